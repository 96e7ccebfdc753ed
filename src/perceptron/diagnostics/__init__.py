"""What a careful person would object to in a run."""

from perceptron.diagnostics.evidence import DataEvidence, Evidence, evidence_of
from perceptron.diagnostics.objections import Objection, objections

__all__ = ["DataEvidence", "Evidence", "Objection", "evidence_of", "objections"]
