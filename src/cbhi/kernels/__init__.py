"""Floor 0: the events of one month, on bare arrays and tables of them; numpy, numba and math only.

Nothing here checks its input or knows a country. Modules import one another only in the order
written down in ``docs/architecture.md`` (checked by the layer contract). ``docs/kernels.md`` says how to
write one.
"""
