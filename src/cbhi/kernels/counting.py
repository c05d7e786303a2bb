"""Counting a block of households: people, insured, episodes of the month, by stratum and all.

Each word that is changed is waited for, so several counts share a word while a block is counted. The words of
one household are its own counts, from which those of a watched household are noted.
"""

from __future__ import annotations

from cbhi.kernels.codes import (
    CONTACTS_WANTED,
    EPISODES,
    FORGONE_UNSOUGHT,
    FORMAL_MONTHS,
    HOUSEHOLD_MONTHS_INSURED,
    INSURED,
    PERSON_MONTHS,
    S_EPISODES,
    S_FORGONE_UNSOUGHT,
    S_FORMAL_MONTHS,
    S_INSURED_MONTHS,
    S_PERSON_MONTHS,
    STANDING_INATTENTIVE,
    STANDING_PAID,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.cover import has_cover, stratum_of
from cbhi.kernels.records import I8, Section, State, Table, Watch, Work

# counts that share a word: BLOCK households of at most 127 people, and at most 2 * MOST_EPISODES each
PEOPLE_BITS = 20
PEOPLE_MASK = (1 << PEOPLE_BITS) - 1
EPISODE_BITS = 31
EPISODE_MASK = (1 << EPISODE_BITS) - 1


def count_by_stratum(n: int, work: Work, strata: I8, tallies: I8) -> int:
    """Add a block's people, insured and episodes to their strata and all; return the insured.

    People, those with formal cover and the insured take 20 bits of a word, episodes and those unsought 31.
    """
    of_people, of_episodes, places = work.episodes[2], work.episodes[3], work.episodes[4]
    people, episodes = work.by_stratum[0], work.by_stratum[1]
    people[:] = 0
    episodes[:] = 0
    for i in range(n):
        place = places[i]
        people[place] += of_people[i]
        episodes[place] += of_episodes[i]
    persons, formal, insured, all_episodes, unsought = 0, 0, 0, 0, 0
    for place in range(people.size):
        if people[place] == 0 and episodes[place] == 0:
            continue
        stratum = strata[place]
        word = int(people[place])
        stratum[S_PERSON_MONTHS] += word & PEOPLE_MASK
        stratum[S_FORMAL_MONTHS] += (word >> PEOPLE_BITS) & PEOPLE_MASK
        stratum[S_INSURED_MONTHS] += word >> 2 * PEOPLE_BITS
        persons += word & PEOPLE_MASK
        formal += (word >> PEOPLE_BITS) & PEOPLE_MASK
        insured += word >> 2 * PEOPLE_BITS
        word = int(episodes[place])
        stratum[S_EPISODES] += word & EPISODE_MASK
        stratum[S_FORGONE_UNSOUGHT] += word >> EPISODE_BITS
        all_episodes += word & EPISODE_MASK
        unsought += word >> EPISODE_BITS
    tallies[PERSON_MONTHS] += persons
    tallies[FORMAL_MONTHS] += formal
    tallies[INSURED] += insured
    tallies[EPISODES] += all_episodes
    tallies[FORGONE_UNSOUGHT] += unsought
    tallies[CONTACTS_WANTED] += all_episodes - unsought
    return insured


def pack_people(
    households: Table, start: int, n: int, now: int, honoured: int, people: I8, places: I8
) -> int:
    """Write a block's strata and counts of people, several in a word; return the households with cover.

    Without branches that nobody could guess: those who do not count add nothing.
    """
    covered = 0
    for i in range(n):
        hh = households[start + i]
        lives = int(hh.alive)
        size = lives * int(hh.n_members)
        formal = size if hh.formal != 0 else 0
        active = lives if int(hh.cover_from) <= now else 0
        active = active if now < int(hh.cover_until) else 0
        active = active if int(hh.n_enrolled) > 0 else 0
        insured = active * honoured * int(hh.n_enrolled)
        people[i] = size + (formal << PEOPLE_BITS) + (insured << 2 * PEOPLE_BITS)
        places[i] = stratum_of(hh)
        covered += active
    return covered


def note_contacts(households: Table, start: int, n: int, sought: I8, unsought: I8, words: I8) -> int:
    """Note the contacts that a block wants, and pack its episodes; return the contacts."""
    contacts = 0
    for i in range(n):
        hh = households[start + i]
        lives = int(hh.alive)
        wanted = lives * sought[i]
        forgone = lives * unsought[i]
        words[i] = wanted + forgone + (forgone << EPISODE_BITS)
        contacts += wanted
        hh.contacts = wanted
        hh.away = 0
    return contacts


def end_rolling_cover(households: Table, start: int, n: int, now: int) -> None:
    """Let cover of a block that runs out now and that nobody has acted on count as not thought of."""
    ended = 0
    for i in range(n):
        hh = households[start + i]
        ended += 1 if int(hh.cover_until) == now else 0
    if ended == 0:
        return
    for i in range(n):
        hh = households[start + i]
        if int(hh.cover_until) != now or hh.standing != STANDING_PAID:
            continue
        if hh.alive != 0:
            hh.standing = STANDING_INATTENTIVE
            hh.wish = 0.0


def count_block(
    state: State,
    start: int,
    n: int,
    sec: Section,
    now: int,
    honoured: int,
    work: Work,
    strata: I8,
    tallies: I8,
) -> int:
    """Count a block's people, insured and episodes of the month; return the contacts wanted.

    ``honoured`` is 0 where the scheme is suspended, else 1.
    """
    households = state.households
    sought, unsought, people, episodes, places = (
        work.episodes[0], work.episodes[1], work.episodes[2], work.episodes[3], work.episodes[4],
    )  # fmt: skip
    covered = pack_people(households, start, n, now, honoured, people, places)
    tallies[HOUSEHOLD_MONTHS_INSURED] += covered
    contacts = note_contacts(households, start, n, sought, unsought, episodes)
    end_rolling_cover(households, start, n, now)
    sec.insured += count_by_stratum(n, work, strata, tallies)
    return contacts


def note_counted(
    watch: Watch, households: Table, start: int, n: int, places: I8, now: int, work: Work
) -> None:
    """Note what has been counted of the ``n`` watched of a block."""
    for i in range(n):
        hh = households[start + places[i]]
        own = watch.tallies[int(hh.watched) - 1]
        people = int(work.episodes[2, places[i]])
        own[HOUSEHOLD_MONTHS_INSURED] += 1 if has_cover(hh, now) else 0
        own[PERSON_MONTHS] += people & PEOPLE_MASK
        own[FORMAL_MONTHS] += (people >> PEOPLE_BITS) & PEOPLE_MASK
        own[INSURED] += people >> 2 * PEOPLE_BITS
        episodes = int(work.episodes[3, places[i]])
        unsought = episodes >> EPISODE_BITS
        own[EPISODES] += episodes & EPISODE_MASK
        own[FORGONE_UNSOUGHT] += unsought
        own[CONTACTS_WANTED] += (episodes & EPISODE_MASK) - unsought


compile_kernels(globals())
