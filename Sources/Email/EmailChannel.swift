package import Bulletins
package import DeliveryEngine
package import Storage

/// Email: one mail a delivery.
package struct EmailChannel: DeliveryChannel {
    package let channel = Channel.email
    package let concurrency: Int
    private let composer: MailComposer
    private let transport: any MailTransport
    private let timeZones: TimeZones
    private let prepared = RenderCache<Rendering, PreparedMail>()

    /// What a bulletin was rendered for.
    private struct Rendering: Hashable, Sendable {
        let bulletin: Int64
        let language: String
        let zone: TimeZoneID
    }

    package init(
        composer: MailComposer, transport: any MailTransport, timeZones: TimeZones, concurrency: Int
    ) {
        self.composer = composer
        self.transport = transport
        self.timeZones = timeZones
        self.concurrency = concurrency
    }

    package func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async
        -> AttemptOutcome
    {
        let zone = timeZones.zone(of: delivery.region)
        let rendering = Rendering(bulletin: delivery.bulletin, language: delivery.language, zone: zone)
        let prepared = prepared.value(rendering) { composer.prepare(content, language: delivery.language, zone: zone) }
        let message = composer.message(prepared, for: delivery, now: now)
        return await transport.send(
            message, from: composer.returnPath(of: delivery), to: delivery.address, id: composer.messageID(of: delivery)
        )
    }
}
