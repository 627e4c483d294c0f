"""What Kalshi answers, field by field as it is on the wire (REST 3.34, 2026-10).

Money, sizes, sides and ids have no default: an answer without one does not decode.
Everything else may be absent, and what is not named here is ignored, since the venue adds
and removes fields every week.  Amounts stay text until `parse` reads them; JSON numbers
that are amounts decode to Decimal from their own digits.  Where a model keeps its payload
the objects of a list are `Raw`, so that each can be decoded and kept by itself.
"""
