// BullMQ with its own telemetry: a request enqueues jobs, a worker in the same process does them, some fail.
const { trace } = require('./telemetry');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
trace(new HttpInstrumentation(), new ExpressInstrumentation());
const opentelemetry = require('@opentelemetry/api');
const { Queue, QueueEvents, Worker } = require('bullmq');
const { BullMQOtel } = require('bullmq-otel');
const express = require('express');

const connection = { url: process.env.REDIS_URL };
const telemetry = new BullMQOtel('mails');

// BullMQ's own spans tell of a failed job by an event of its own and do not fail.
const tracer = opentelemetry.trace.getTracer('mails');
async function send(job) {
  await tracer.startActiveSpan('send mail', async (span) => {
    try {
      if (job.data.to === 'nobody') {
        throw new Error('mailbox is unknown');
      }
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: opentelemetry.SpanStatusCode.ERROR, message: error.message });
      throw error;
    } finally {
      span.end();
    }
  });
}

const queue = new Queue('mails', { connection, telemetry });
const events = new QueueEvents('mails', { connection });
new Worker('mails', send, { connection, telemetry });
const app = express();
app.post('/mails', express.json(), async function mails(request, response) {
  const jobs = await Promise.all(request.body.map((to) => queue.add('mail', { to })));
  await Promise.allSettled(jobs.map((job) => job.waitUntilFinished(events)));
  response.end();
});
events.waitUntilReady().then(() => app.listen(process.env.PORT, '127.0.0.1'));
