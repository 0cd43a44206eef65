"""byzfl's names and calls over these kernels: ``from robust_fl.compat.byzfl import TrMean, RobustAggregator``.

Answers are byzfl's, on its golden cases to 1e-6 relative and closer; what draws agrees in law only. Unlike byzfl, nothing
overwrites the caller's array, float64 tensors stay float64, and a message that is not finite is left out.
Client, Server and DataDistributor stay byzfl's own.
"""

from .aggregators import (
    ARC,
    CAF,
    MDA,
    NNM,
    SMEA,
    Average,
    Bucketing,
    CenteredClipping,
    Clipping,
    GeometricMedian,
    Krum,
    Meamed,
    Median,
    MoNNA,
    MultiKrum,
    TrMean,
)
from .attacks import (
    ALittleIsEnough,
    Gaussian,
    Inf,
    InnerProductManipulation,
    Mimic,
    Optimal_ALittleIsEnough,
    Optimal_InnerProductManipulation,
    SignFlipping,
)
from .clients import ByzantineClient, RobustAggregator
from .benchmark import experiment

__all__ = [
    "ARC", "ALittleIsEnough", "Average", "Bucketing", "ByzantineClient", "CAF", "CenteredClipping", "Clipping", "Gaussian",
    "GeometricMedian", "Inf", "InnerProductManipulation", "Krum", "MDA", "Meamed", "Median", "Mimic", "MoNNA", "MultiKrum",
    "NNM", "Optimal_ALittleIsEnough", "Optimal_InnerProductManipulation", "RobustAggregator", "SMEA", "SignFlipping",
    "TrMean", "experiment",
]
