"""What Polymarket's three services send, as msgspec structs.

Ids, sides and money are required, everything else is optional, unknown fields are ignored.
"""
