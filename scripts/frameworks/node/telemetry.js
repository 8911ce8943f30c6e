// Traces an app as OpenTelemetry's guide for Node does; SIGTERM exports what is left.
const { context } = require('@opentelemetry/api');
const { suppressTracing } = require('@opentelemetry/core');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');

exports.trace = (...instrumentations) => {
  const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter(), instrumentations });
  sdk.start();
  process.on('SIGTERM', () => sdk.shutdown().then(() => process.exit(0)));
};

// Does what is of no request, such as to connect.
exports.untraced = (work) => context.with(suppressTracing(context.active()), work);
