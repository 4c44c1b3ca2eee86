"""
What can go wrong, named after what happens next.

PipelineError
├── BadIdentifier       dead letter: an identifier field is there, but unusable
├── StaleRules          judge again with the document that is current now
├── LeaseLost           stop at once: another drain owns this lane now
├── StoreUnavailable    503 towards Komo, one clear sentence on the command line; workers try again
├── UnknownIntegration  404, or one clear sentence
├── UnreadableRecord    left out where many are looked at; one clear sentence where it alone is meant
├── Conflict            409: the request is fine, but not now
│   └── StaleVersion    412: somebody saved in between
└── SealBroken          one clear sentence: SECRET_KEY does not open what was sealed with another one
"""


class PipelineError(Exception):
    """The root of everything this package raises on purpose."""


class BadIdentifier(PipelineError):
    """No rule gave a usable identifier, although one of their fields was filled in."""


class StaleRules(PipelineError):
    """The document was saved or removed since the submission was judged; nothing was kept."""


class LeaseLost(PipelineError):
    """The lane belongs to another drain by now; what we hold must not be settled."""


class StoreUnavailable(PipelineError):
    """The store can't be reached, is loading, or is out of memory."""


class UnknownIntegration(PipelineError):
    """There is no integration with this id."""


class UnreadableRecord(PipelineError):
    """What the store keeps of an integration is none that this version can read."""


class Conflict(PipelineError):
    """What was asked for would endanger work that still waits."""


class StaleVersion(Conflict):
    """The document was changed since the caller read it."""


class SealBroken(PipelineError):
    """A sealed secret can't be opened with any of the keys in SECRET_KEY."""
