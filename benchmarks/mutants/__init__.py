"""A small mutation tester for plain Python functions: change one thing, see whether a test notices.

``changes`` finds what can be changed, ``session`` runs the tests in forked children, ``report`` writes the
page. The command is ``benchmarks/mutation.py``.
"""
