package import Bulletins

/// The metrics of intake.
package struct IntakeMetrics: Sendable {
    private let messages: Counter
    private let judging, committing, batch: Histogram
    private let consumes: Gauge

    package init(_ metrics: Metrics) {
        messages = Counter(metrics, MetricCatalog.messages)
        judging = Histogram(metrics, MetricCatalog.judging)
        committing = Histogram(metrics, MetricCatalog.committing)
        batch = Histogram(metrics, MetricCatalog.batch)
        consumes = Gauge(metrics, MetricCatalog.consuming)
    }

    /// Notes that intake judged a batch of a queue.
    package func judged(_ count: Int, from queue: String, took: Duration) {
        batch.observe(Double(count), queue)
        judging.observe(took, queue)
    }

    /// Notes that intake recorded a batch of a queue.
    package func recorded(from queue: String, took: Duration) { committing.observe(took, queue) }

    /// Notes that intake recorded a message; `outcome` and `reason` are values of the catalog's labels.
    package func message(from queue: String, _ outcome: String, reason: String = "none") {
        messages.add(1, queue, outcome, reason)
    }

    /// Notes whether the worker consumes a queue.
    package func consumes(_ isConsuming: Bool, _ queue: String) { consumes.set(isConsuming, queue) }
}

/// The metrics of the fan-out.
package struct FanoutMetrics: Sendable {
    private let routed, made: Counter
    private let routing: Histogram

    package init(_ metrics: Metrics) {
        routed = Counter(metrics, MetricCatalog.routed)
        made = Counter(metrics, MetricCatalog.made)
        routing = Histogram(metrics, MetricCatalog.routing)
    }

    /// Notes that a step routed bulletins and made deliveries.
    package func step(routed bulletins: Int, made deliveries: Int, took: Duration) {
        guard bulletins > 0 || deliveries > 0 else { return }
        routed.add(bulletins)
        made.add(deliveries)
        routing.observe(took)
    }
}

/// The metrics of the delivery engine, for one channel.
package struct DeliveryMetrics: Sendable {
    private let channel: String
    private let deliveries: Counter
    private let queueWait, send, publishToDelivered: HistogramSeries
    private let paused, resting, connections: Gauge

    package init(_ metrics: Metrics, _ channel: Channel) {
        self.channel = channel.rawValue
        deliveries = Counter(metrics, MetricCatalog.deliveries)
        queueWait = Histogram(metrics, MetricCatalog.queueWait).series(channel.rawValue)
        send = Histogram(metrics, MetricCatalog.send).series(channel.rawValue)
        publishToDelivered = Histogram(metrics, MetricCatalog.publishToDelivered)
            .series(channel.rawValue)
        paused = Gauge(metrics, MetricCatalog.paused)
        resting = Gauge(metrics, MetricCatalog.resting)
        connections = Gauge(metrics, MetricCatalog.channelConnections)
    }

    /// Notes that an attempt began this long after its claim.
    package func waited(_ duration: Duration) { queueWait.observe(duration) }

    /// Notes that an attempt took this long.
    package func sent(took: Duration) { send.observe(took) }

    /// Notes that deliveries had this effect; `effect` is a value of the catalog's label.
    package func effect(_ effect: String, _ count: Int) { deliveries.add(count, channel, effect) }

    /// Notes that a delivery arrived this long after its bulletin was public.
    package func delivered(after duration: Duration) { publishToDelivered.observe(max(.zero, duration)) }

    /// Notes whether the channel pauses.
    package func pauses(_ isPausing: Bool) { paused.set(isPausing, channel) }

    /// Notes the number of hosts that get no attempts at present.
    package func rests(_ hosts: Int) { resting.set(Double(hosts), channel) }

    /// Sets the number of open connections of the channel.
    package func connections(_ count: Int) { connections.set(Double(count), channel) }
}

/// The metrics of the receipts' stage.
package struct ReceiptMetrics: Sendable {
    private let published: Counter
    private let emptyAt: Gauge

    package init(_ metrics: Metrics) {
        published = Counter(metrics, MetricCatalog.published)
        emptyAt = Gauge(metrics, MetricCatalog.outboxEmptyAt)
    }

    /// Notes an answer of the broker; `outcome` is a value of the catalog's label.
    package func published(_ outcome: String) { published.add(1, outcome) }

    /// Notes that the outbox was empty at this time.
    package func outboxIsEmpty(at time: Timestamp) { emptyAt.set(Double(time.milliseconds) / 1000) }
}

/// The metrics of the store.
package struct StoreMetrics: Sendable {
    private let transaction, wait: Histogram

    package init(_ metrics: Metrics) {
        transaction = Histogram(metrics, MetricCatalog.transaction)
        wait = Histogram(metrics, MetricCatalog.writerWait)
    }

    /// Notes that a transaction held the writer this long.
    package func held(_ duration: Duration, after waiting: Duration) {
        transaction.observe(duration)
        wait.observe(waiting)
    }
}

/// The metrics of the portal's feeds.
package struct FeedMetrics: Sendable {
    private let requests: Counter

    package init(_ metrics: Metrics) { requests = Counter(metrics, MetricCatalog.feeds) }

    /// Notes that a request for a feed was answered with this status.
    package func answered(_ status: Int) { requests.add(1, "\(status)") }
}

/// The metrics that are read from the store and the process only when somebody asks for them.
package struct BacklogMetrics: Sendable {
    private let unrouted, unfinished, oldestDue, outbox, storeLog, ready, build, started: Gauge

    package init(_ metrics: Metrics, startedAt: Timestamp) {
        unrouted = Gauge(metrics, MetricCatalog.unrouted)
        unfinished = Gauge(metrics, MetricCatalog.unfinished)
        oldestDue = Gauge(metrics, MetricCatalog.oldestDue)
        outbox = Gauge(metrics, MetricCatalog.outbox)
        storeLog = Gauge(metrics, MetricCatalog.storeLog)
        ready = Gauge(metrics, MetricCatalog.ready)
        build = Gauge(metrics, MetricCatalog.build)
        started = Gauge(metrics, MetricCatalog.started)
        build.set(1, Release.version)
        started.set(Double(startedAt.milliseconds) / 1000)
    }

    /// Sets the backlog of the fan-out and of the outbox.
    package func backlog(unrouted bulletins: Int, outbox messages: Int) {
        unrouted.set(Double(bulletins))
        outbox.set(Double(messages))
    }

    /// Sets the backlog of a channel. `oldestDue` is the age of the oldest delivery that waits; zero if none waits.
    package func backlog(of channel: Channel, unfinished count: Int, oldestDue age: Duration) {
        unfinished.set(Double(count), channel.rawValue)
        oldestDue.set(max(0, age / .seconds(1)), channel.rawValue)
    }

    /// Sets the size of the store's log, in bytes.
    package func logSize(_ bytes: Int) { storeLog.set(Double(bytes)) }

    package func isReady(_ isReady: Bool) { ready.set(isReady) }
}
