"""A simulation of the market with agents that cheat: what docs/economics.md derives, tried out.

    python -m simulation            the standard campaign: figures, tables and plots of docs/economics

Money is counted in whole base units, and every price comes from :mod:`touchstone.roles.terms`, which is tested against the contract. Random
numbers come from one seed; arrays run over jobs, intervals and bidders. One job's budget is ``PRICE`` base units.
"""
