// Mails that are about no bulletin.
//
// Reads:      notices that are due.
// Writes:     takes them out once the relay has them, or puts them off.
// Guarantees: one worker of a store at a time sends them; a crash after a send repeats it with the same Message-ID.
// On failure: the schedule of mails; then it is given up, with an error in the log.

import Bulletins
package import DeliveryEngine
import Logging
package import Runtime
import ServiceLifecycle
package import Storage

/// Sends notices to owners of endpoints and to the operators.
package struct NoticeService: Service {
    private let store: any OutboxStore & DutyStore
    private let composer: MailComposer
    private let transport: any MailTransport
    private let operators: String?
    private let schedule: RetrySchedule
    private let context: StageContext

    private static let poll = Duration.seconds(2)
    private static let batch = 100

    /// `operators` is their address, if they have one.
    package init(
        store: any OutboxStore & DutyStore, composer: MailComposer, transport: any MailTransport,
        operators: String?, schedule: RetrySchedule, context: StageContext
    ) {
        self.store = store
        self.composer = composer
        self.transport = transport
        self.operators = operators
        self.schedule = schedule
        self.context = context
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var lease = DutyLease(.notices, store: store, clock: context.clock)
            while !Task.isCancelled {
                do throws(StoreError) {
                    try await sendDue(&lease)
                } catch {
                    if !Task.isCancelled { context.logger.wait("notices wait", for: error) }
                }
                try? await Task.sleep(for: Self.poll)
            }
            await lease.release()
        }
    }

    /// What is due is read once the duty is this worker's: another may have sent it before.
    private func sendDue(_ lease: inout DutyLease) async throws(StoreError) {
        guard try await !store.dueNotices(limit: 1, now: context.clock.now).isEmpty,
            try await lease.claim() != nil
        else { return }
        for notice in try await store.dueNotices(limit: Self.batch, now: context.clock.now) {
            guard let hold = try await lease.keep() else { return }
            try await send(notice, as: hold)
        }
    }

    /// For the log, which holds no address.
    private static func details(of notice: Notice) -> String {
        var details = notice.details
        details["address"] = nil
        return JSONWriter.text(.object(details))
    }

    private func send(_ notice: Notice, as hold: DutyHold) async throws(StoreError) {
        guard let address = notice.address ?? operators else {
            context.logger.warning("\(notice.kind.rawValue): \(Self.details(of: notice))")
            return try await store.removeNotice(notice.number, as: hold)
        }
        let now = context.clock.now
        let outcome = await transport.send(
            OutgoingMail(
                content: composer.notice(notice, to: address, now: now), sender: composer.noticeSender,
                recipient: address, id: composer.noticeID(of: notice)))
        switch schedule.effect(of: outcome.verdict, attempt: notice.attempts + 1, now: now, jitter: .random(in: 0...1))
        {
        case .retry(let at), .released(let at): try await store.postponeNotice(notice.number, until: at, as: hold)
        case .delivered: try await store.removeNotice(notice.number, as: hold)
        default:
            context.logger.error(
                "a notice could not be sent: \(outcome.code ?? ""); \(notice.kind.rawValue): \(Self.details(of: notice))"
            )
            try await store.removeNotice(notice.number, as: hold)
        }
    }
}
