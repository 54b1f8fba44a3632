import Bulletins
import DeliveryEngine
import Email
import HTTPPost
import NIOPosix
import Runtime
import SMTP
import ServiceLifecycle
import Storage
import WebSub
import Webhooks

/// The role of delivery.
extension Worker {
    /// One service for each channel, and what goes with them.
    func deliveries(_ group: MultiThreadedEventLoopGroup, _ end: HardEnd) async throws -> [(name: String, any Service)]
    {
        let identity = try await store.identity()
        // The worker's own name, so that no other can take its leases for its own.
        let worker = "\(identity).\(UInt64.random(in: 0 ... .max))"
        let mail = MailSettings(
            from: settings.mailFrom, fromName: settings.mailFromName, publicURL: settings.publicURL, storeID: identity,
            bounceKey: store.bounceKey, namesPublishers: settings.mailFromName == Settings.ownName,
            variesReturnPaths: settings.variesReturnPaths, leaveAddress: settings.leaveAddress)
        let composer = try MailComposer(settings: mail, registries: registries)
        let relays = try relays(group)
        let transport = try mailTransport(mail, relays)
        func service(
            _ channel: any DeliveryChannel, _ retry: RetrySchedule, _ hosts: HostLimits,
            claims: (any ClaimStore)? = nil
        ) -> (String, any Service) {
            var delivery = DeliverySettings()
            (delivery.lease, delivery.graceTime) = (settings.lease, settings.grace)
            (delivery.retry, delivery.hosts) = (retry, hosts)
            delivery.stopBegan = { end.began }
            let service = DeliveryService(
                channel: channel, store: store, claims: claims, settings: delivery, worker: worker, context: context)
            return ("delivery by \(channel.channel.rawValue)", service)
        }
        let email = email(composer, transport)
        let bounces = settings.bounces.map { address in
            let intake = BounceIntake(store: store, mailboxes: settings.intakeMailboxes, clock: context.clock)
            return BounceListener(host: address.host, port: address.port, intake: intake, logger: context.logger)
        }
        let webhookHosts = HostLimits(
            concurrency: settings.webhooksPerHost, endpointConcurrency: settings.webhooksPerEndpoint,
            rate: settings.webhookRate)
        let hubClient = try settings.webhookClient(group, context.logger)
        // Ended last, when nothing more is sent.
        let leaving = relays.map { [("relays", RelayService(client: $0) as any Service)] } ?? []
        let together: [(name: String, any Service)] = [
            ("hub", hubVerifier(hubClient)),
            service(hubChannel(hubClient), settings.webhookRetry, webhookHosts, claims: store.pushes),
            (
                "notices",
                NoticeService(
                    store: store, composer: composer, transport: transport, operators: settings.operators,
                    schedule: settings.mailRetry, context: context)
            ),
            (
                "retention",
                RetentionService(store: store, retention: settings.retention, context: context)
            ),
            service(
                email, settings.mailRetry,
                HostLimits(
                    concurrency: email.concurrency, endpointConcurrency: email.concurrency, rate: settings.mailRate)),
            service(try webhooks(identity, group), settings.webhookRetry, webhookHosts),
            service(FeedChannel(), RetrySchedule(), HostLimits()),
        ]
        let watched = together.map { end.watching($0.name, $0.1) }
        return leaving + (bounces.map { [("bounces", $0)] } ?? []) + [
            ("deliveries", ServicesTogether(services: watched))
        ]
    }

    /// More attempts at once than connections: the next message's commands leave with the content of the one before.
    private func email(_ composer: MailComposer, _ transport: any MailTransport) -> EmailChannel {
        EmailChannel(
            composer: composer, transport: transport, timeZones: registries.timeZones,
            concurrency: settings.relays.first.map { $0.maximumConnections * 4 } ?? 1, isPaced: settings.mailRate > 0)
    }

    private func relays(_ group: MultiThreadedEventLoopGroup) throws -> SMTPClient? {
        guard !settings.relays.isEmpty else { return nil }
        return try SMTPClient(relays: settings.relays, eventLoopGroup: group, logger: context.logger)
    }

    private func mailTransport(_ mail: MailSettings, _ relays: SMTPClient?) throws -> any MailTransport {
        let transport: any MailTransport =
            if let relays { SMTPTransport(client: relays) } else { try MaildirTransport(path: settings.mailFolder) }
        guard !settings.mailKeys.isEmpty else { return transport }
        let signer = DKIMSigner(domain: mail.domain, keys: settings.mailKeys)
        return SigningTransport(signer: signer, transport: transport, clock: context.clock)
    }

    private func webhooks(_ identity: String, _ group: MultiThreadedEventLoopGroup) throws -> WebhookChannel {
        WebhookChannel(
            client: try settings.webhookClient(group, context.logger), keys: store, storeID: identity,
            publicURL: settings.publicURL, concurrency: settings.webhookConcurrency)
    }

    private func hubVerifier(_ client: HTTPPostClient) -> HubVerifier {
        HubVerifier(
            store: store, feeds: faces.feeds, settings: faces.hubSettings, client: client,
            schedule: settings.webhookRetry, context: context)
    }

    private func hubChannel(_ client: HTTPPostClient) -> HubChannel {
        HubChannel(
            store: store, feeds: faces.feeds, client: client, concurrency: settings.webhookConcurrency)
    }
}
