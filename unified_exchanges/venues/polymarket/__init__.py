"""Polymarket: the prediction market on Polygon (docs.polymarket.com)."""
