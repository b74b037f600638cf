"""Trials with `kpu-dse merge`, which does not go on: it is done again."""
from bench import Failure, content_of, run
from kills import judge_fault, new_tally

COUNT = 3


class Parts:
    """Finished parts of a run, and the calls of an undisturbed merge of them."""

    def __init__(self, bench, case):
        with bench.folder(case) as folder:
            for i in range(COUNT):
                outcome = run(bench, folder, case, extra=("--shard", f"{i + 1}/{COUNT}"))
                if outcome.code:
                    raise Failure(f"part {i + 1} of {case.name}: {outcome}")
            self.files = {path.name: path.read_bytes() for path in folder.place.iterdir()}
        with bench.folder(case) as folder:
            self.calls = self.merge(bench, folder, case).calls

    def merge(self, bench, folder, case, env=None):
        """The parts lie elsewhere: faults are to be the output's."""
        paths = [folder.path / name for name in sorted(self.files)]
        for path in paths:
            path.write_bytes(self.files[path.name])
        return run(bench, folder, case, extra=(), env=env,
                   words=["merge", str(folder.asked), *(str(path) for path in paths)])


def trial_merge(bench, reference, case, parts, number, kind, folder):
    """A fault in the n-th call, or from there on; then all is well again."""
    outcome = parts.merge(bench, folder, case, env={"KPU_FAULT": f"{number}:{kind}"})
    hit = next((call for call in outcome.calls if call.is_hit), None)
    tally = new_tally()
    tally["merges disturbed"] += 1
    judge_fault(outcome, kind, hit, tally)
    if folder.output.exists():
        if content_of(bench, folder.output) != reference.content:
            raise Failure("a merge that did not end well has left something else than its file")
        return tally
    outcome = parts.merge(bench, folder, case)
    if outcome.code:
        raise Failure(f"cannot be merged again: {outcome}")
    reference.check_finished(bench, folder)
    return tally
