"""Talking to the chain: endpoints, contracts, accounts, transactions that are never sent twice, events, deployments, development chains."""
