"""Shares and interactions of instruments: Shapley, Banzhaf, Moebius.

A game of n players is an array of 2^n worths. Player i stands for bit i of the position, so the order is
nobody, {0}, {1}, {0, 1}, {2}, {0, 2}, {1, 2}, {0, 1, 2}, ...; `game_array` builds it from names. The worth
of nobody need not be 0: it is the baseline.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cbhi.limits._checks import fail, real, vector

_MAX_PLAYERS = 20


def _game(worths: ArrayLike, min_players: int = 1) -> tuple[NDArray[np.float64], int]:
    v = vector("worths", worths)
    n = v.size.bit_length() - 1
    if v.size != 1 << n or not min_players <= n <= _MAX_PLAYERS:
        raise fail(
            "worths", f"2^n numbers for n players, {min_players} <= n <= {_MAX_PLAYERS}", f"{v.size} numbers"
        )
    return v, n


def _without(n: int, *players: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the coalitions without some players, and their sizes."""
    coalitions = np.arange(1 << n, dtype=np.int64)
    for player in players:
        coalitions = coalitions[(coalitions >> player) & 1 == 0]
    return coalitions, np.bitwise_count(coalitions).astype(np.int64)


def game_array(players: Sequence[str], worths: Mapping[frozenset[str], float]) -> NDArray[np.float64]:
    """Put the worths of named coalitions in the order that the other functions expect.

    Parameters
    ----------
    players : sequence of str
        Distinct names, 1 to 20; the first is player 0.
    worths : mapping of frozenset of str to float
        Worth of every coalition; nobody, ``frozenset()``, may be left out and is then 0.

    Returns
    -------
    ndarray of float, shape (2^n,)
        Worths by position.

    Raises
    ------
    ValueError
        If a name occurs twice, a coalition is missing or a name is unknown.

    Examples
    --------
    >>> worths = {frozenset({"subsidy"}): 2, frozenset({"loans"}): 1, frozenset({"subsidy", "loans"}): 5}
    >>> [float(w) for w in game_array(["subsidy", "loans"], worths)]
    [0.0, 2.0, 1.0, 5.0]
    """
    names = list(players)
    if not 1 <= len(names) <= _MAX_PLAYERS or len(set(names)) != len(names):
        raise fail("players", f"1 to {_MAX_PLAYERS} distinct names", names)
    for coalition in worths:
        unknown = sorted(set(coalition) - set(names))
        if unknown:
            raise fail("worths", f"given for coalitions of {names}", sorted(coalition), f"unknown {unknown}")
    v = np.zeros(1 << len(names))
    for size in range(len(names) + 1):
        for members in combinations(range(len(names)), size):
            coalition = frozenset(names[i] for i in members)
            if coalition in worths:
                v[sum(1 << i for i in members)] = real(f"worths[{sorted(coalition)}]", worths[coalition])
            elif coalition:
                raise fail("worths", "given for every coalition", f"none for {sorted(coalition)}")
    return v


def shapley_values(worths: ArrayLike) -> NDArray[np.float64]:
    """Return each player's Shapley value.

    Parameters
    ----------
    worths : array_like of float, shape (2^n,)
        Worth of each coalition, player i being bit i of the position; 1 to 20 players.

    Returns
    -------
    ndarray of float, shape (n,)
        Shares that add up to the worth of all over the worth of nobody.

    Raises
    ------
    ValueError
        If the number of worths is not a power of two in the domain or a worth is not finite.

    Notes
    -----
    ``phi_i = sum_S |S|! (n - |S| - 1)! / n! (v(S + i) - v(S))``.

    References
    ----------
    Shapley (1953), A value for n-person games, Contributions to the Theory of Games II.

    Examples
    --------
    >>> [round(float(v), 6) for v in shapley_values([0, 68, 102, 170, 0, 710, 762, 992])]
    [229.0, 272.0, 491.0]
    """
    v, n = _game(worths)
    weights = np.array([1.0 / (n * math.comb(n - 1, k)) for k in range(n)])
    values = np.empty(n)
    for i in range(n):
        rest, sizes = _without(n, i)
        values[i] = weights[sizes] @ (v[rest | 1 << i] - v[rest])
    return values


def banzhaf_values(worths: ArrayLike) -> NDArray[np.float64]:
    """Return each player's Banzhaf value.

    Parameters
    ----------
    worths : array_like of float, shape (2^n,)
        Worth of each coalition, player i being bit i of the position; 1 to 20 players.

    Returns
    -------
    ndarray of float, shape (n,)
        Mean contribution over all coalitions of the others.

    Raises
    ------
    ValueError
        If the number of worths is not a power of two in the domain or a worth is not finite.

    Notes
    -----
    ``sum_S (v(S + i) - v(S)) / 2^(n - 1)``; unlike Shapley values they need not add up.

    References
    ----------
    Banzhaf (1965), Rutgers Law Review 19; Owen (1975), Management Science 22(3).

    Examples
    --------
    >>> [float(v) for v in banzhaf_values([0, 20, 5, 28, 30, 60, 40, 78])]
    [27.75, 10.25, 38.75]
    """
    v, n = _game(worths)
    values = np.empty(n)
    for i in range(n):
        rest, _ = _without(n, i)
        values[i] = (v[rest | 1 << i] - v[rest]).mean()
    return values


def shapley_interactions(worths: ArrayLike) -> NDArray[np.float64]:
    """Return the Shapley interaction index of each pair of players.

    Parameters
    ----------
    worths : array_like of float, shape (2^n,)
        Worth of each coalition, player i being bit i of the position; 2 to 20 players.

    Returns
    -------
    ndarray of float, shape (n, n)
        Symmetric; positive where two players reinforce each other; 0 on the diagonal.

    Raises
    ------
    ValueError
        If the number of worths is not a power of two in the domain or a worth is not finite.

    Notes
    -----
    ``sum_T |T|! (n - |T| - 2)! / (n - 1)! (v(T+i+j) - v(T+i) - v(T+j) + v(T))``.

    References
    ----------
    Grabisch and Roubens (1999), An axiomatic approach to the concept of interaction among players in
    cooperative games, International Journal of Game Theory 28.

    Examples
    --------
    >>> index = shapley_interactions([0, 20, 5, 28, 30, 60, 40, 78])
    >>> float(index[0, 1]), float(index[0, 2]), float(index[1, 2])
    (5.5, 12.5, 7.5)
    """
    v, n = _game(worths, 2)
    weights = np.array([1.0 / ((n - 1) * math.comb(n - 2, k)) for k in range(n - 1)])
    index = np.zeros((n, n))
    for i, j in combinations(range(n), 2):
        rest, sizes = _without(n, i, j)
        a, b = 1 << i, 1 << j
        index[i, j] = index[j, i] = weights[sizes] @ (v[rest | a | b] - v[rest | a] - v[rest | b] + v[rest])
    return index


def moebius_transform(worths: ArrayLike) -> NDArray[np.float64]:
    """Return the part of each coalition's worth that no smaller coalition explains.

    Parameters
    ----------
    worths : array_like of float, shape (2^n,)
        Worth of each coalition, player i being bit i of the position; 1 to 20 players.

    Returns
    -------
    ndarray of float, shape (2^n,)
        Harsanyi dividends in the same order; a coalition's worth is the sum over its subsets.

    Raises
    ------
    ValueError
        If the number of worths is not a power of two in the domain or a worth is not finite.

    Notes
    -----
    ``m(S) = sum_(T in S) (-1)^(|S| - |T|) v(T)``.

    References
    ----------
    Rota (1964), On the foundations of combinatorial theory I; Harsanyi (1963), International Economic
    Review 4.

    Examples
    --------
    >>> float(moebius_transform([0, 20, 5, 28, 30, 60, 40, 78])[-1])
    5.0
    """
    v, n = _game(worths)
    dividends = v.copy()
    for i in range(n):
        pairs = dividends.reshape(-1, 2, 1 << i)
        pairs[:, 1, :] -= pairs[:, 0, :]
    return dividends


def total_synergy(worths: ArrayLike) -> float:
    """Return what all players achieve beyond the sum of what each achieves alone.

    Parameters
    ----------
    worths : array_like of float, shape (2^n,)
        Worth of each coalition, player i being bit i of the position; 1 to 20 players.

    Returns
    -------
    float
        Synergy; negative where players stand in each other's way.

    Raises
    ------
    ValueError
        If the number of worths is not a power of two in the domain or a worth is not finite.

    Notes
    -----
    ``v(N) - v(0) - sum_i (v(i) - v(0))``.

    Examples
    --------
    >>> total_synergy([0, 20, 5, 28, 30, 60, 40, 78])
    23.0
    """
    v, n = _game(worths)
    alone = v[1 << np.arange(n)] - v[0]
    return float(v[-1] - v[0] - alone.sum())
