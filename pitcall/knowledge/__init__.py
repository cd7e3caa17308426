"""Documents that answers cite: messages, chunking, fusion, and the library over a store and an embedder. Pure.

The stores themselves and whatever reads files are in ``pitcall.adapters.knowledge``.
"""
