// Mails about anything but a bulletin: endpoints that were disabled, regions that were replaced.
//
// Reads:      due notices.
// Writes:     removes a notice once the relay has accepted it, or postpones it.
// Guarantees: one worker per store sends notices. A crash after a send repeats the mail with the same Message-ID.
// On failure: the retry schedule of mail; after its end the notice is dropped, with an error in the log.

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

    /// `operators` is their mail address. Without one, their notices are only logged.
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

    /// Sends the due notices. They are read again after the lease is claimed, because another worker may have sent
    /// them before.
    private func sendDue(_ lease: inout DutyLease) async throws(StoreError) {
        guard try await !store.dueNotices(limit: 1, now: context.clock.now).isEmpty,
            try await lease.claim() != nil
        else { return }
        for notice in try await store.dueNotices(limit: Self.batch, now: context.clock.now) {
            guard try await lease.keep() != nil else { return }
            try await send(notice)
        }
    }

    /// The details for the log, which never contains an address.
    private static func details(of notice: Notice) -> String {
        var details = notice.details
        details["address"] = nil
        return JSONWriter.text(.object(details))
    }

    private func send(_ notice: Notice) async throws(StoreError) {
        guard let address = notice.address ?? operators else {
            context.logger.warning("\(notice.kind.rawValue): \(Self.details(of: notice))")
            return try await store.removeNotice(notice.number)
        }
        let now = context.clock.now
        let outcome = await transport.send(
            OutgoingMail(
                content: composer.notice(notice, to: address, now: now), sender: composer.noticeSender,
                recipient: address, id: composer.noticeID(of: notice)))
        switch schedule.effect(of: outcome.verdict, attempt: notice.attempts + 1, now: now, jitter: .random(in: 0...1))
        {
        case .retry(let at), .released(let at): try await store.postpone(notice, until: at)
        case .delivered: try await store.removeNotice(notice.number)
        default:
            context.logger.error(
                "a notice could not be sent: \(outcome.code ?? ""); \(notice.kind.rawValue): \(Self.details(of: notice))"
            )
            try await store.removeNotice(notice.number)
        }
    }
}
