package import Bulletins
package import DeliveryEngine
import NIOCore
import Runtime
package import Storage

/// Delivers bulletins by email, one mail per delivery or digest.
package struct EmailChannel: DeliveryChannel {
    package let channel = Channel.email
    package let hasDigests = true
    package let concurrency: Int
    /// Large claims, so that the fixed cost of a claim is small per mail.
    package var claimsAhead: Int { concurrency * 16 }
    package var executors: [any TaskExecutor] { transport.executors }
    private let composer: MailComposer
    private let transport: any MailTransport
    private let timeZones: TimeZones
    private let isPaced: Bool
    private let renderers = RenderPool()
    private let prepared = RenderCache<Rendering, PreparedMail> { $0.size }
    /// The first lines of bodies, for digests.
    private let leads = RenderCache<Int64, String> { $0.utf8.count }

    /// The key of a rendered bulletin.
    private struct Rendering: Hashable, Sendable {
        let bulletin: Int64
        let language: String
        let zone: TimeZoneID
    }

    /// `isPaced` is true if the relay has a rate limit.
    package init(
        composer: MailComposer, transport: any MailTransport, timeZones: TimeZones, concurrency: Int,
        isPaced: Bool = false
    ) {
        self.isPaced = isPaced
        self.composer = composer
        self.transport = transport
        self.timeZones = timeZones
        self.concurrency = concurrency
    }

    /// All mails go through the relay, which limits its own connections. Only a rate limit counts against a host.
    package func host(of delivery: ClaimedDelivery) -> String? { pacedHost }

    package var pacedHost: String? { isPaced ? "relay" : nil }

    package var openConnections: Int { transport.openConnections }

    package func attempt(digest: [DigestEntry], now: Timestamp) async -> AttemptOutcome {
        guard let first = digest.first else { return AttemptOutcome(.failed, detail: "the digest is empty") }
        guard let content = await rendered(digest, now) else { return .stopped }
        return await transport.send(
            OutgoingMail(
                content: content, sender: composer.returnPath(of: first.delivery),
                recipient: first.delivery.address,
                id: composer.envelopeID(of: first.delivery, composer.digestID(of: digest))))
    }

    package func prepare(_ entries: [DigestEntry], isDigest: Bool) async {
        if isDigest {
            _ = await leads(of: entries)
        } else if let entry = entries.first {
            _ = await prepared(entry.delivery, entry.content)
        }
    }

    /// The whole message. Nil if the worker stops.
    private func rendered(_ digest: [DigestEntry], _ now: Timestamp) async -> ByteBuffer? {
        guard let leads = await leads(of: digest) else { return nil }
        return await renderers.run { composer.digest(digest, leads: leads, now: now) }
    }

    /// Renders each bulletin on its own, so that a digest of expensive bulletins blocks a thread for one of them
    /// only.
    private func leads(of digest: [DigestEntry]) async -> [Int64: String]? {
        var found: [Int64: String] = [:]
        for entry in digest where MailComposer.takesLead(entry.content.bulletin) {
            let lead = await leads.value(entry.delivery.bulletin, on: renderers, isUrgent: false) {
                MailComposer.lead(of: entry.content.bulletin)
            }
            guard let lead else { return nil }
            found[entry.delivery.bulletin] = lead
        }
        return found
    }

    private func prepared(_ delivery: ClaimedDelivery, _ content: DeliveryContent) async -> PreparedMail? {
        let zone = timeZones.zone(of: delivery.terms.region)
        let rendering = Rendering(bulletin: delivery.bulletin, language: delivery.terms.language, zone: zone)
        return await prepared.value(rendering, on: renderers, isUrgent: delivery.priority == 0) {
            composer.prepare(content, language: delivery.terms.language, zone: zone)
        }
    }

    package func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async
        -> AttemptOutcome
    {
        guard let prepared = await prepared(delivery, content) else { return .stopped }
        return await transport.send(
            OutgoingMail(
                content: composer.message(prepared, for: delivery, now: now),
                sender: composer.returnPath(of: delivery), recipient: delivery.address,
                id: composer.envelopeID(
                    of: delivery, composer.messageID(of: delivery.bulletin, to: delivery.endpoint))))
    }
}
