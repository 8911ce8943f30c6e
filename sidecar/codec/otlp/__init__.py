"""OTLP: request bodies into span batches, attributes, and the answers to a sender; protobuf here, JSON in `json`."""
