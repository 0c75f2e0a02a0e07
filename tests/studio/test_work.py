"""Marks and time that a person has put into a project."""

from dataclasses import replace

import pytest
from studio_projects import make_project, put

from core.project.project import Project
from core.studio.work import PAUSE_SECONDS, WorkTime, in_words, with_mark, with_new_object, work_on


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path)
    put(made, 0, 1, corrected=True)  # writes its file
    yield made
    made.close()


def give(project: Project, *objects: int) -> None:
    for obj in objects:
        project.remember(marks=with_mark(project.view.marks, obj))


def test_pauses_are_no_work():
    time = WorkTime()
    for now in (1000, 1010, 1010 + PAUSE_SECONDS, 5000, 5005):
        time.sign(now)
    assert time.take() == 10 + PAUSE_SECONDS + 5
    time.sign(5008)
    assert (time.take(), time.take()) == (3, 0)


def test_marks_outlive_the_process(project):
    assert not work_on(project).is_known
    give(project, 1, 2, 1)
    project.remember(seconds_worked=90.5)
    project.close()
    again = Project.open(project.path)
    work = work_on(again)
    assert (dict(work.marks), work.marks_of_gone, work.all_marks, work.seconds) == ({1: 2, 2: 1}, 0, 3, 90.5)
    again.close()


def test_an_object_with_an_old_id_begins_without_marks(project):
    give(project, 1, 2, 2)
    first, second = project.objects
    project.remember(marks=with_new_object(project.view.marks, 2))
    work = work_on(project)
    assert (dict(work.marks), work.marks_of_gone, work.all_marks) == ({1: 1, 2: 0}, 2, 3)
    give(project, 2)
    assert work_on(project).marks[2] == 1 and work_on(project).all_marks == 4
    assert first.id == 1 and second.id == 2


@pytest.mark.parametrize("marks", [{"1": "many"}, {"1": -3}, {"x": None}, {"1": True}])
def test_what_is_damaged_is_not_counted(project, marks):
    project.keep(view=replace(project.view, marks=marks, seconds_worked=float("nan")))
    work = work_on(project)
    assert work.all_marks == 0 and work.seconds == 0 and with_mark(marks, 1)["1"] == 1


@pytest.mark.parametrize(("seconds", "words"), [(12.4, "12 s"), (59.7, "1 min"), (185, "3 min"), (3900, "1 h 05 min")])
def test_a_length_of_time(seconds, words):
    assert in_words(seconds) == words
