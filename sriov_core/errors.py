"""The tree of errors. A class says whose turn it is; a message what was wanted, what was found, what to do."""


class SriovError(Exception):
    """Root of every error this project raises on purpose; its text is written for the person who reads it."""


class SpecError(SriovError):
    """The wish is malformed or impossible: change the policy."""


class PluginProblem(SriovError):
    """A plugin cannot be loaded or is refused: fix, remove or disable the plugin."""


class DriverFailed(SriovError):
    """A driver raised or planned nonsense: report to its maintainer, who is named in the text."""


class HostError(SriovError):
    """The machine could not be read or lacks something: the text names the path and the remedy."""


class StalePlan(SriovError):
    """The world moved since planning: plan again (the engine does so by itself)."""


class StepFailed(SriovError):
    """The kernel refused a step: the text names the step, the errno and the attribute."""


class DeadlineExceeded(StepFailed):
    """A step did not finish in time: the text names what it waited for and who holds it, if known."""


class JournalError(SriovError):
    """The journal cannot be read or written: nothing is changed until it can."""
