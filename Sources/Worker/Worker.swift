import AMQP
package import Bulletins
import DeliveryEngine
import Email
import Fanout
import HTTPPost
import Intake
package import Logging
import NIOPosix
import Portal
import Receipts
import SMTP
import ServiceLifecycle
package import Storage
import UnixSignals
import Webhooks

/// What a worker may do. Several workers may share the roles.
package enum Role: String, Sendable, CaseIterable {
    case intake, delivery, portal
}

/// The whole program: its stages as services of one group, in the order in which they start. They stop
/// in reverse: intake first, receipts late.
package struct Worker: Sendable {
    private let settings: Settings
    private let registries: Registries
    private let store: any Store
    private let logger: Logger
    private let hints = Hints()
    private let readiness = Readiness()
    private let clock = WallClock.system

    package init(settings: Settings, registries: Registries, store: any Store, logger: Logger) {
        self.settings = settings
        self.registries = registries
        self.store = store
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT.
    package func run(roles: Set<Role>) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        var services: [(name: String, any Service)] = []
        if roles.contains(.intake) { services.append(("receipts", try receipts())) }
        if roles.contains(.portal) { services.append(("portal", portal())) }
        if roles.contains(.delivery) { services += try await deliveries(group) }
        if roles.contains(.intake) {
            services.append(("fan-out", FanoutService(store: store, hints: hints, clock: clock, logger: logger)))
            services.append(("intake", try intake()))
        }
        var configuration = ServiceGroupConfiguration(
            // A stage that fails stops the worker as SIGTERM does: what was sent is still recorded. Each has a
            // name, for otherwise the group makes one of all that the service holds, 83,000 villages included.
            services: services.map { name, service in
                .init(
                    service: service, failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: name)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = settings.grace + .seconds(30)
        try await ServiceGroup(configuration: configuration).run()
    }

    private func receipts() throws -> ReceiptService {
        ReceiptService(
            broker: try settings.requireBroker(),
            exchanges: ReceiptExchanges(
                receipts: KentonganTopology.receiptsExchange, rejected: KentonganTopology.rejectedExchange),
            store: store, hints: hints, readiness: readiness, clock: clock, logger: logger)
    }

    private func portal() -> PortalService {
        PortalService(
            settings: portalSettings, registries: registries, store: store, readiness: readiness, hints: hints,
            clock: clock, logger: logger)
    }

    private var portalSettings: PortalSettings {
        PortalSettings(host: settings.listen.host, port: settings.listen.port, publicURL: settings.publicURL)
    }

    private func intake() throws -> IntakeService {
        var intake = IntakeSettings(broker: try settings.requireBroker())
        intake.requiresUser = settings.requiresUser
        intake.declares = settings.declaresTopology
        intake.prefetch = settings.prefetch
        intake.readingMarkPath = settings.storePath + ".reading"
        let judge = MessageJudge(
            registries: registries, requiresUser: settings.requiresUser, maximumBodySize: intake.maximumBodySize)
        return IntakeService(
            settings: intake, store: store, judge: judge, hints: hints, readiness: readiness, clock: clock,
            logger: logger)
    }

    private func deliveries(_ group: MultiThreadedEventLoopGroup) async throws -> [(name: String, any Service)] {
        let identity = try await store.identity()
        // The worker's own name, so that no other can take its leases for its own.
        let worker = "\(identity).\(UInt64.random(in: 0 ... .max))"
        let mail = MailSettings(
            from: settings.mailFrom, fromName: settings.mailFromName, publicURL: settings.publicURL, storeID: identity,
            bounceKey: store.bounceKey)
        let composer = try MailComposer(settings: mail, registries: registries)
        let transport = try mailTransport(group)
        func service(
            _ channel: any DeliveryChannel, _ retry: RetrySchedule, _ hosts: HostLimits,
            of deliveries: (any DeliveryStore)? = nil
        ) -> (String, any Service) {
            var delivery = DeliverySettings()
            (delivery.lease, delivery.graceTime) = (settings.lease, settings.grace)
            (delivery.retry, delivery.hosts) = (retry, hosts)
            let service = DeliveryService(
                channel: channel, store: deliveries ?? store, settings: delivery, hints: hints, clock: clock,
                worker: worker,
                logger: logger)
            return ("delivery by \(channel.channel.rawValue)", service)
        }
        let email = email(composer, transport)
        let webhookHosts = HostLimits(
            concurrency: settings.webhooksPerHost, endpointConcurrency: settings.webhooksPerEndpoint,
            rate: settings.webhookRate)
        let hubClient = try guardedClient(group)
        return [
            ("hub", hubVerifier(hubClient)),
            service(hubChannel(hubClient), settings.webhookRetry, webhookHosts, of: store.pushes),
            (
                "notices",
                NoticeService(
                    store: store, composer: composer, transport: transport, operators: settings.operators,
                    schedule: settings.mailRetry, clock: clock, logger: logger)
            ),
            (
                "retention",
                RetentionService(store: store, retention: settings.retention, clock: clock, logger: logger)
            ),
            service(
                email, settings.mailRetry,
                HostLimits(
                    concurrency: email.concurrency, endpointConcurrency: email.concurrency, rate: settings.mailRate)),
            service(try webhooks(identity, group), settings.webhookRetry, webhookHosts),
            service(FeedChannel(), RetrySchedule(), HostLimits()),
        ]
    }

    private func email(_ composer: MailComposer, _ transport: any MailTransport) -> EmailChannel {
        EmailChannel(
            composer: composer, transport: transport, timeZones: registries.timeZones,
            concurrency: settings.smtp.map { $0.maximumConnections * 2 } ?? 1, isPaced: settings.mailRate > 0)
    }

    private func mailTransport(_ group: MultiThreadedEventLoopGroup) throws -> any MailTransport {
        guard let smtp = settings.smtp else { return try MaildirTransport(path: settings.mailFolder) }
        return SMTPTransport(client: try SMTPClient(settings: smtp, eventLoopGroup: group, logger: logger))
    }

    private func webhooks(_ identity: String, _ group: MultiThreadedEventLoopGroup) throws -> WebhookChannel {
        WebhookChannel(
            client: try guardedClient(group), storeID: identity, concurrency: settings.webhookConcurrency)
    }

    private func hubVerifier(_ client: HTTPPostClient) -> HubVerifier {
        HubVerifier(
            store: store, registries: registries, settings: portalSettings, client: client,
            schedule: settings.webhookRetry, hints: hints, clock: clock, logger: logger)
    }

    private func hubChannel(_ client: HTTPPostClient) -> HubChannel {
        HubChannel(
            store: store, registries: registries, settings: portalSettings, client: client,
            concurrency: settings.webhookConcurrency, clock: clock)
    }

    /// One that reaches what strangers have named.
    private func guardedClient(_ group: MultiThreadedEventLoopGroup) throws -> HTTPPostClient {
        var post = HTTPPostSettings()
        post.allowedNetworks = settings.webhookNetworks
        post.connectionsPerHost = settings.webhookConcurrency
        return try HTTPPostClient(settings: post, eventLoopGroup: group, logger: logger)
    }
}
