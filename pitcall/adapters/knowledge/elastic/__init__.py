"""The knowledge store of production: Elasticsearch 8.19 or 9, Basic licence."""

from pitcall.adapters.knowledge.elastic.store import ElasticKnowledge

__all__ = ["ElasticKnowledge"]
