"""What the choices of a next run lead to."""

from core.studio.run_settings import Range, RunSettings, remedies, with_in_out


def test_in_and_out_points_choose_the_range_and_give_it_back():
    between = with_in_out(RunSettings(range=Range.ONE_CLIP), None, 7)
    assert between.range is Range.IN_OUT and with_in_out(between, 0, None) == between
    assert with_in_out(between, None, None).range is Range.TO_END
    assert with_in_out(RunSettings(range=Range.ONE_CLIP), None, None).range is Range.ONE_CLIP


def test_a_remedy_takes_half_the_resolution_but_not_less_than_can_be_seen():
    resolutions = [
        remedies(RunSettings(resolution=chosen), (720, 1280))["smaller resolution"]["resolution"]
        for chosen in (480, None, 200)
    ]
    assert resolutions == [240, 360, 120]
