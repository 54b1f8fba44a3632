package import Bulletins
package import DeliveryEngine
package import Storage

/// Email: one mail a delivery.
package struct EmailChannel: DeliveryChannel {
    package let channel = Channel.email
    package let hasDigests = true
    package let concurrency: Int
    /// So many that what a claim costs by itself is little for each.
    package var claimsAhead: Int { concurrency * 16 }
    package var executors: [any TaskExecutor] { transport.executors }
    private let composer: MailComposer
    private let transport: any MailTransport
    private let timeZones: TimeZones
    private let isPaced: Bool
    private let prepared = RenderCache<Rendering, PreparedMail> { $0.size }

    /// What a bulletin was rendered for.
    private struct Rendering: Hashable, Sendable {
        let bulletin: Int64
        let language: String
        let zone: TimeZoneID
    }

    /// `isPaced` if the relay takes so many mails a second only.
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

    /// All mails go through the relay; it has limits of its own for what is at once.
    package func host(of delivery: ClaimedDelivery) -> String? { pacedHost }

    package var pacedHost: String? { isPaced ? "relay" : nil }

    package func attempt(digest: [DigestEntry], now: Timestamp) async -> AttemptOutcome {
        guard let first = digest.first else { return AttemptOutcome(.failed, detail: "an empty digest") }
        return await transport.send(
            OutgoingMail(
                content: composer.digest(digest, now: now), sender: composer.returnPath(of: first.delivery),
                recipient: first.delivery.address,
                id: composer.envelopeID(of: first.delivery, composer.digestID(of: digest))))
    }

    package func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async
        -> AttemptOutcome
    {
        let zone = timeZones.zone(of: delivery.region)
        let rendering = Rendering(bulletin: delivery.bulletin, language: delivery.language, zone: zone)
        let prepared = prepared.value(rendering) { composer.prepare(content, language: delivery.language, zone: zone) }
        return await transport.send(
            OutgoingMail(
                content: composer.message(prepared, for: delivery, now: now),
                sender: composer.returnPath(of: delivery), recipient: delivery.address,
                id: composer.envelopeID(
                    of: delivery, composer.messageID(of: delivery.bulletin, to: delivery.endpoint))))
    }
}
