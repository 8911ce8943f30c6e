"""OTLP/JSON: request bodies into the protobuf form that everything else here reads."""
