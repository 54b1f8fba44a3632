import Bulletins

/// The one list of all metrics. `docs/metrics.md` and `/metrics` follow from it, and a test bounds the number of their
/// series.
package enum MetricCatalog {
    package static let all =
        intake + fanout + delivery + receipts + store + connections + faces + process

    // MARK: - Intake

    static let messages = MetricDefinition(
        "kentongan_messages_total", .counter, [.queue, .messageOutcome, .reason],
        "Messages that intake recorded, by queue, outcome and, for rejected ones, the first reason.",
        action: "If rejected messages grow, read `kentongan rejected list` and tell the publisher.")
    static let judging = MetricDefinition(
        "kentongan_intake_judging_seconds", .histogram(seconds), [.queue], "Time to judge a batch of messages.")
    static let committing = MetricDefinition(
        "kentongan_intake_commit_seconds", .histogram(seconds), [.queue],
        "Time to record a batch of messages, with the wait for the store's writer.",
        action: "If it grows, look at kentongan_store_transaction_seconds and at the disk.")
    static let batch = MetricDefinition(
        "kentongan_intake_batch_messages", .histogram(sizes), [.queue], "Messages per batch.")

    static let intake = [messages, judging, committing, batch]

    // MARK: - Fan-out

    static let routed = MetricDefinition(
        "kentongan_bulletins_routed_total", .counter, "Bulletins whose fan-out is complete.")
    static let made = MetricDefinition(
        "kentongan_deliveries_made_total", .counter, "Deliveries that the fan-out made due.")
    static let routing = MetricDefinition(
        "kentongan_routing_seconds", .histogram(seconds), "Time to route a chunk of about 5,000 rows.")
    static let unrouted = MetricDefinition(
        "kentongan_unrouted_bulletins", .gauge, "Bulletins whose fan-out is not complete.",
        action: "If it stays high, no worker has the role fanout, or the store is slow.")

    static let fanout = [routed, made, routing, unrouted]

    // MARK: - Delivery

    static let deliveries = MetricDefinition(
        "kentongan_deliveries_total", .counter, [.channel, .deliveryOutcome],
        "Outcomes that the delivery engine recorded, by channel and effect.",
        action: "If failed grows, read `kentongan deliveries list --state failed`.")
    static let queueWait = MetricDefinition(
        "kentongan_queue_wait_seconds", .histogram(seconds), [.channel],
        "Time from the claim of a delivery to its attempt.",
        action: "If it grows, raise the channel's concurrency or add workers.")
    static let send = MetricDefinition(
        "kentongan_send_seconds", .histogram(seconds), [.channel], "Time of an attempt.")
    static let publishToDelivered = MetricDefinition(
        "kentongan_publish_to_delivered_seconds", .histogram(longSeconds), [.channel],
        "Time from the receipt of a bulletin, or its publishAt, to its delivery; digests are left out.")
    static let unfinished = MetricDefinition(
        "kentongan_unfinished_deliveries", .gauge, [.channel], "Deliveries that have not ended.")
    static let oldestDue = MetricDefinition(
        "kentongan_oldest_due_seconds", .gauge, [.channel],
        "Time since the delivery that is next in the fair order became due; 0 if none waits. Later deliveries of a large bulletin may have waited for longer.",
        action: "If it grows, the channel is paused or too slow: look at the log and at kentongan_channel_paused.")
    static let paused = MetricDefinition(
        "kentongan_channel_paused", .gauge, [.channel], "1 while a channel pauses because its way does not work.",
        action: "Look at the relays, or at the network.")
    static let resting = MetricDefinition(
        "kentongan_resting_hosts", .gauge, [.channel], "Hosts that are left alone because nobody answers there.")

    static let delivery = [
        deliveries, queueWait, send, publishToDelivered, unfinished, oldestDue, paused, resting,
    ]

    // MARK: - Receipts

    static let published = MetricDefinition(
        "kentongan_receipts_total", .counter, [.receiptOutcome],
        "Receipts and rejected messages that were published, by the broker's answer.",
        action: "If refused or given-up grows, a publisher's reply queue is full.")
    static let outbox = MetricDefinition(
        "kentongan_outbox_messages", .gauge, "Receipts and rejected messages that wait for the broker.",
        action: "If it grows, the broker is away or refuses: look at the log.")

    static let outboxEmptyAt = MetricDefinition(
        "kentongan_outbox_empty_timestamp_seconds", .gauge,
        "Unix time at which this worker last found the outbox empty, so that no receipt has waited for longer.",
        action: "If `time()` minus it grows in every worker, the broker does not take receipts: look at the log.")

    static let receipts = [published, outbox, outboxEmptyAt]

    // MARK: - The store

    static let transaction = MetricDefinition(
        "kentongan_store_transaction_seconds", .histogram(seconds),
        "Time that a transaction held the store's writer.",
        action: "If it exceeds 0.5 s often, the disk is too slow.")
    static let writerWait = MetricDefinition(
        "kentongan_store_wait_seconds", .histogram(seconds),
        "Time that a transaction waited for the store's writer.",
        action: "If it exceeds 1 s often, look for the transaction that the log names.")
    static let storeLog = MetricDefinition(
        "kentongan_store_log_bytes", .gauge, "Size of the write-ahead log beside the database.",
        action: "If it keeps growing, a reader holds an old state of the store: a backup, or a forgotten sqlite3.")

    static let store = [transaction, writerWait, storeLog]

    // MARK: - Connections

    static let consuming = MetricDefinition(
        "kentongan_consuming", .gauge, [.queue], "1 while this worker consumes the queue.",
        action: "If it stays 0 in every worker with the role intake, look at /health/ready.")

    static let channelConnections = MetricDefinition(
        "kentongan_connections", .gauge, [.channel], "Connections to relays or receivers that are open.",
        action: "If it equals smtp.connections times the relays, or webhooks.concurrency, the channel is at its limit.")

    static let connections = [consuming, channelConnections]

    // MARK: - Faces

    static let feeds = MetricDefinition(
        "kentongan_feed_requests_total", .counter, [.status], "Requests for feeds, by status.")

    static let faces = [feeds]

    // MARK: - The process

    static let ready = MetricDefinition(
        "kentongan_ready", .gauge, "1 if every part of the worker works.", action: "Read /health/ready.")
    static let build = MetricDefinition(
        "kentongan_build_info", .gauge, [MetricLabel("version", [Release.version])], "1, with the version.")
    static let started = MetricDefinition(
        "kentongan_start_time_seconds", .gauge, "Unix time at which the worker started.")

    static let process = [ready, build, started]

    // MARK: - Bounds

    /// Bounds in seconds, from a millisecond to a minute.
    private static let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    /// Bounds in seconds, from ten milliseconds to a day.
    private static let longSeconds = [
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 21_600, 86_400,
    ]
    private static let sizes: [Double] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000]
}

extension MetricLabel {
    static let queue = MetricLabel(
        "queue",
        ["kentongan.emergency", "kentongan.announcements", "kentongan.proposals", "kentongan.given-up"])
    static let messageOutcome = MetricLabel("outcome", ["accepted", "duplicate", "rejected"])
    static let reason = MetricLabel("reason", ["none"] + RejectionReason.allCases.map(\.rawValue))
    static let channel = MetricLabel("channel", Channel.allCases.map(\.rawValue))
    static let deliveryOutcome = MetricLabel(
        "outcome", ["delivered", "retry", "failed", "expired", "cancelled", "suppressed", "released"])
    static let receiptOutcome = MetricLabel("outcome", ["confirmed", "refused", "given-up", "returned"])
    static let status = MetricLabel("status", ["200", "304", "404", "503"])
}
