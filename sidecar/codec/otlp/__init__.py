"""OTLP over protobuf: request bodies into span batches, attributes, and the answers to a sender."""
