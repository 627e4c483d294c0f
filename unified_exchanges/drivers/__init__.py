"""The two drivers: each performs what a flow asks for, and decides nothing."""
