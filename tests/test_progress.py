from slugkit.progress import Progress


def test_first_and_last_are_printed_and_the_rest_is_spaced():
    lines = []
    progress = Progress("work", interval=3600, write=lines.append)
    for done in range(1, 6):
        progress(done, 5, "busy")
    assert len(lines) == 2
    assert lines[0] == "work: 1/5, busy"
    assert lines[1].startswith("work: 5/5, busy, done in")


def test_the_time_left_counts_only_what_was_done_here():
    lines = []
    progress = Progress("work", interval=0, write=lines.append)
    progress(90, 100)
    progress(91, 100)
    assert "left" not in lines[0]
    assert lines[1].endswith("left")
