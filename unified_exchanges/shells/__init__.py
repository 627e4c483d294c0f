"""`Exchange` and `AsyncExchange`: what a user holds, one module for each flavour.

Not named ``exchange``: the package offers a function of that name, and importing a
submodule would replace it.
"""
