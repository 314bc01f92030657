"""Articles, retrieval, answering, refusal, safety and wording. Imports libraries only."""
