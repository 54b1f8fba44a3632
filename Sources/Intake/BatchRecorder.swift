import AMQP
import Bulletins
import Logging
import Observability
import Runtime
import Storage
import Wording

/// Judges a batch of messages, and records it in one transaction.
struct BatchRecorder: Sendable {
    let store: any IntakeStore
    let judge: MessageJudge
    let mark: ReadingMark?
    let metrics: IntakeMetrics
    let context: StageContext

    /// Judges a batch: each message becomes a bulletin or a rejection. Nil if the worker stops before all are judged.
    func judge(_ batch: [IncomingMessage], from queue: String) async -> [IncomingBulletin]? {
        if queue == KentonganTopology.givenUp { return giveUp(batch) }
        let batch = batch.filter { !BindingProbe.isProbe($0) }
        let started = ContinuousClock.now
        var judged: [IncomingBulletin] = []
        for part in batch.slices(ofSize: Self.parsedAtOnce) {
            guard let more = await judge(part: part, from: queue) else { return nil }
            judged += more
        }
        metrics.judged(batch.count, from: queue, took: started.duration(to: .now))
        context.logger.debug(
            "judged a batch",
            metadata: [
                "queue": "\(queue)", "messages": "\(batch.count)", "took": "\(started.duration(to: .now).spoken)",
            ])
        return judged
    }

    /// Rejects the messages that the broker gave up on. Their bodies are read only to learn their publishers, and under
    /// the reading mark, since one of them may be the body that ended the process.
    private func giveUp(_ batch: [IncomingMessage]) -> [IncomingBulletin] {
        let slot = KentonganTopology.queues.count
        defer { mark?.leave(slot: slot) }
        return batch.map { message in
            let print = ReadingMark.Fingerprint(message.body)
            if mark?.isSuspect(print) == true { return judge.giveUp(message, as: judge.rejectUnread(message)) }
            mark?.enter(print, slot: slot)
            return judge.giveUp(message, as: judge.open(message))
        }
    }

    /// The bytes of bodies whose JSON is in memory at the same time. A JSON value of two bytes takes twenty times as
    /// many once parsed.
    private static let parsedAtOnce = 512 << 10

    private func judge(part batch: ArraySlice<IncomingMessage>, from queue: String) async -> [IncomingBulletin]? {
        let slot = KentonganTopology.queues.firstIndex { $0.name == queue } ?? 0
        let prints = batch.map { ReadingMark.Fingerprint($0.body) }
        let opened = zip(batch, prints).map { message, print in
            if mark?.isSuspect(print) == true { return judge.rejectUnread(message) }
            mark?.enter(print, slot: slot)
            return judge.open(message)
        }
        mark?.leave(slot: slot)
        let names = Set(opened.compactMap(\.publisher))
        let known = await patiently(batch.count, queue) { () async throws(StoreError) in
            try await store.publishers(named: names)
        }
        guard let publishers = known else { return nil }
        let now = context.clock.now
        let judged = zip(opened, prints).map { opened, print in
            mark?.enter(print, slot: slot)
            return judge.judge(opened, publisher: publishers[opened.publisher ?? ""], queue: queue, now: now)
        }
        mark?.leave(slot: slot)
        return judged
    }

    /// Records a batch. Returns true once it is committed, and false if the worker stops before that.
    func record(_ judged: [IncomingBulletin], from queue: String) async -> Bool {
        if judged.isEmpty { return true }
        if queue != KentonganTopology.givenUp { for message in judged { Failpoint.recording.hit(message.body) } }
        let started = ContinuousClock.now
        let outcomes = await patiently(judged.count, queue) { () async throws(StoreError) in
            try await store.record(judged, now: context.clock.now)
        }
        guard let outcomes else { return false }
        metrics.recorded(from: queue, took: started.duration(to: .now))
        context.logger.debug(
            "recorded a batch",
            metadata: [
                "queue": "\(queue)", "messages": "\(judged.count)", "took": "\(started.duration(to: .now).spoken)",
            ])
        log(judged, outcomes)
        return true
    }

    /// Runs `work` until the store can do it, and returns its result; nil if the worker stops before that.
    private func patiently<T: Sendable>(
        _ count: Int, _ queue: String, _ work: () async throws(StoreError) -> T
    ) async -> T? {
        var pause = Duration.milliseconds(200)
        while !Task.isCancelled {
            do throws(StoreError) {
                return try await work()
            } catch {
                if case .cancelled = error { return nil }
                context.logger.wait("\(count) messages wait", for: error, metadata: ["queue": "\(queue)"])
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
        return nil
    }

    private func log(_ messages: [IncomingBulletin], _ outcomes: [IntakeOutcome]) {
        for (message, outcome) in zip(messages, outcomes) {
            count(message, outcome)
            if let queue = message.envelope.replyTo, message.replyTo == nil {
                context.logger.notice(
                    "sent no receipts to a reply queue that the user may not have; it begins with receipts.USER, or the broker names it",
                    metadata: ["user": "\(message.envelope.userID ?? "?")", "queue": "\(queue)"])
            }
            guard case .rejected(let reason) = outcome else { continue }
            context.logger.notice(
                "refused a message",
                metadata: [
                    "reason": "\(reason.rawValue)", "user": "\(message.envelope.userID ?? "?")",
                    "key": "\(message.envelope.routingKey)", "errors": "\(Self.sentence(message, reason))",
                    "message": "\(message.envelope.otherProperties["message_id"]?.stringValue ?? "?")",
                    "bulletin": "\(message.claimedID?.description ?? "?")",
                    "queue": "\(message.queue)", "traceparent": "\(message.traceparent ?? "")",
                ])
        }
    }

    private func count(_ message: IncomingBulletin, _ outcome: IntakeOutcome) {
        switch outcome {
        case .accepted: metrics.message(from: message.queue, "accepted")
        case .duplicate: metrics.message(from: message.queue, "duplicate")
        case .rejected(let reason): metrics.message(from: message.queue, "rejected", reason: reason.rawValue)
        }
    }

    /// The first three errors of a rejected message, for the log. The store keeps all, also those of a message that it
    /// rejected itself.
    private static func sentence(_ message: IncomingBulletin, _ reason: RejectionReason) -> String {
        guard case .rejected(let rejection) = message.judgement else {
            return "\(reason == .staleRevision ? "/revision" : "/inReplyTo") see: kentongan rejected list"
        }
        return rejection.errors.prefix(3).map { "\($0.path) \($0.message.prefix(200))" }.joined(separator: "; ")
    }
}
