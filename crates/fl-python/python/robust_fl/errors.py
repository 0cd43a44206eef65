"""What can go wrong: every class is a ValueError, a TypeError or a RuntimeError too."""

__all__ = [
    "ByteOrderError", "CallbackError", "ChoiceError", "CopyError", "DataError", "DeviceCopyError",
    "DtypeError", "ExperimentError", "ForkError", "NonFiniteError", "RaggedError", "RequirementError",
    "RobustError", "RunError", "ShapeError", "StructureError",
]


class RobustError(Exception):
    """Whatever this package raises."""


class ShapeError(RobustError, ValueError):
    """An array of a shape that cannot be meant."""


class RaggedError(ShapeError):
    """Messages of different shapes."""


class StructureError(RobustError, ValueError):
    """Messages of different structure: other names, or another number of arrays."""


class DtypeError(RobustError, TypeError):
    """Numbers of a type that cannot be aggregated: complex, objects, text."""


class ByteOrderError(DtypeError):
    """Numbers in the byte order of another machine."""


class CopyError(RobustError, ValueError):
    """A copy would be needed, and ``copy=False`` forbids it."""


class DeviceCopyError(CopyError):
    """Tensors lie on another device than the CPU, and ``device_copy=False`` forbids to copy them."""


class ChoiceError(RobustError, ValueError):
    """A name or a setting that does not exist; the nearest one is told."""


class RequirementError(RobustError, ValueError):
    """A part that cannot work for this number of messages or this f, or an option that cannot work for these files."""


class NonFiniteError(RobustError, ValueError):
    """NaN or infinity in messages, and too little is left, or the policy refuses it."""


class CallbackError(RobustError, ValueError):
    """A function of yours returned what it must not: another shape, or NaN."""


class ExperimentError(RobustError, ValueError):
    """Mistakes in an experiment, all of them, each with its place."""


class DataError(RobustError, ValueError):
    """A data set that is missing or damaged."""


class RunError(RobustError, RuntimeError):
    """A run failed."""


class ForkError(RobustError, RuntimeError):
    """This process was forked from one that had used threads."""
