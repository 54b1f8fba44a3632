import AMQP
import Bulletins
import Logging
import Storage

/// Judges a batch of messages and records it, in one transaction.
struct BatchRecorder: Sendable {
    let store: any IntakeStore
    let judge: MessageJudge
    let mark: ReadingMark?
    let clock: WallClock
    let logger: Logger

    /// Returns once the batch is committed; false if the worker stops before that.
    func record(_ batch: [IncomingMessage], from queue: String) async -> Bool {
        let started = ContinuousClock.now
        let slot = KentonganTopology.queues.firstIndex { $0.name == queue } ?? 0
        let prints = batch.map { ReadingMark.Fingerprint($0.body) }
        let opened = zip(batch, prints).map { message, print in
            if mark?.isSuspect(print) == true { return judge.refuseUnread(message) }
            mark?.enter(print, slot: slot)
            return judge.open(message)
        }
        mark?.leave(slot: slot)
        var pause = Duration.milliseconds(200)
        while !Task.isCancelled {
            do throws(StoreError) {
                let publishers = try await store.publishers(named: Set(opened.compactMap(\.publisher)))
                let now = clock.now
                let judged = zip(opened, prints).map { opened, print in
                    mark?.enter(print, slot: slot)
                    return judge.judge(opened, publisher: publishers[opened.publisher ?? ""], queue: queue, now: now)
                }
                mark?.leave(slot: slot)
                let judgedAt = ContinuousClock.now
                log(judged, try await store.record(judged, now: now))
                logger.debug(
                    "recorded a batch",
                    metadata: [
                        "queue": "\(queue)", "messages": "\(batch.count)",
                        "judging": "\(started.duration(to: judgedAt))",
                        "recording": "\(judgedAt.duration(to: .now))",
                    ])
                return true
            } catch {
                if case .cancelled = error { return false }
                logger.error("\(batch.count) messages wait: \(error)", metadata: ["queue": "\(queue)"])
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
        return false
    }

    private func log(_ messages: [IncomingBulletin], _ outcomes: [IntakeOutcome]) {
        for (message, outcome) in zip(messages, outcomes) {
            guard case .refused(let reason) = outcome else { continue }
            logger.notice(
                "refused a message",
                metadata: [
                    "reason": "\(reason.rawValue)", "bulletin": "\(message.claimedID?.description ?? "?")",
                    "queue": "\(message.queue)", "traceparent": "\(message.traceparent ?? "")",
                ])
        }
    }
}
