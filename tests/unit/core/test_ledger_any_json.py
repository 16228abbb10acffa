"""Whatever JSON comes: every byte has one owner, and nothing is raised."""

from __future__ import annotations

from hypothesis import given, settings

from support.ledgers import attribute_job, attribute_repository, bracketed
from support.strategies import ANYTHING, jobs, repositories, texts


@settings(max_examples=120, deadline=None)
@given(texts(repositories()))
def test_a_repository_with_anything_in_it(text):
    drawn, _ = attribute_repository(text)
    for owner, fields in drawn.owners.items():
        for name in (owner.name, *fields):
            name.encode()  # no lone surrogates: what is shown can be printed


@settings(max_examples=120, deadline=None)
@given(texts(repositories()), texts(jobs()))
def test_a_job_with_anything_in_it(repository, job):
    _, index = attribute_repository(repository)
    drawn = attribute_job(job, index)
    for owner, fields in drawn.owners.items():
        for name in (owner.name, *fields):
            name.encode()


@settings(max_examples=80, deadline=None)
@given(texts(ANYTHING), texts(repositories()))
def test_anything_at_all(text, repository):
    _, index = attribute_repository(repository)
    for drawn in (attribute_repository(text)[0], attribute_job(text, index)):
        unknown = bracketed(drawn).get("[unknown]", 0)
        assert unknown in (0, len(text))
