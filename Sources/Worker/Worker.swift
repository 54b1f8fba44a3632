import AMQP
package import Bulletins
import Fanout
import Glibc
import Intake
import Logging
import Portal
import Receipts
package import Runtime
import ServiceLifecycle
package import Storage
import UnixSignals

/// The whole program: its stages as the services of one group, in the order in which they start.
///
/// They stop in reverse order. Intake stops first, so that nothing new arrives. The fan-out and the deliveries follow,
/// and attempts under way get their grace time. Receipts stop late, so that they can still report the last deliveries.
/// The store's checks, health and metrics stop last.
package struct Worker: Sendable {
    let settings: Settings
    let registries: Registries
    let store: any Store
    let context: StageContext
    let faces: Faces
    let modules: [any ChannelModule]

    /// Composes a worker. The store must report its troubles to the readiness of `context` as well.
    package init(
        settings: Settings, registries: Registries, store: any Store, context: StageContext,
        channels: [any ChannelModule] = Worker.channelModules
    ) {
        self.settings = settings
        self.registries = registries
        self.store = store
        self.context = context
        modules = channels
        faces = Faces(settings: settings, registries: registries, store: store, context: context)
    }

    /// Runs until SIGTERM or SIGINT, and ends at most `stopLimit` after the signal.
    package func run(roles: Set<Role>) async throws {
        let end = HardEnd(limit: stopLimit, logger: context.logger)
        end.watch([SIGTERM, SIGINT])
        let services = try await services(roles, end)
        var configuration = ServiceGroupConfiguration(
            // A stage that fails stops the worker as SIGTERM does, so that sent deliveries are still recorded. Each
            // service has a name, since the group would otherwise describe the whole service, 83,000 villages included.
            services: services.map { name, service in
                .init(
                    service: end.watching(name, service), failureTerminationBehavior: .gracefullyShutdownGroup,
                    serviceName: name)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: context.logger)
        configuration.maximumGracefulShutdownDuration = stopLimit - .milliseconds(500)
        logStart(roles)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            await logStop(end, error)
            throw error
        }
        await logStop(end, nil)
    }

    /// The time that a stop may take: the grace time of attempts under way, and five seconds for everything else.
    private var stopLimit: Duration { settings.delivery.grace + .seconds(5) }

    private func services(_ roles: Set<Role>, _ end: HardEnd) async throws -> [(name: String, any Service)] {
        var services: [(name: String, any Service)] = []
        let limit = Descriptors.raiseLimit()
        if let ops = ops(roles) { services.append(("health and metrics", ops)) }
        if let store = store as? any WatchedStore { services.append(("store", StoreCheck(store: store))) }
        services.append(("clock", clockService))
        services.append(("history", HistoryService(store: store, context: context)))
        if roles.contains(.upkeep) {
            services.append(
                ("retention", RetentionService(store: store, retention: settings.retention, context: context)))
        }
        if roles.contains(.intake) { services.append(("receipts", try receipts())) }
        if roles.contains(.portal) { services.append(("portal", portal(descriptors: limit))) }
        services += try await channelServices(roles, end)
        if roles.contains(.fanout) { services.append(("fan-out", FanoutService(store: store, context: context))) }
        if roles.contains(.intake) { services.append(("intake", try intake())) }
        return services
    }

    private var clockService: ClockService {
        ClockService(
            store: store, limits: ClockLimits([settings.email.retry, settings.webhooks.retry]), context: context)
    }

    private func receipts() throws -> ReceiptService {
        let broker = try settings.broker.required()
        let exchanges = ReceiptExchanges(
            receipts: KentonganTopology.receiptsExchange, rejected: KentonganTopology.rejectedExchange)
        var declare: (@Sendable () async throws -> Void)?
        if settings.broker.declares {
            declare = { [context] in
                try await KentonganTopology.topology.declare(on: broker, logger: context.logger)
            }
        }
        return ReceiptService(
            broker: broker, exchanges: exchanges, store: store, context: context, declareAgain: declare)
    }

    /// The service of health and metrics. It runs in every role, since a supervisor asks each worker.
    private func ops(_ roles: Set<Role>) -> OpsService? {
        // Without the portal, the portal's address is free for this service.
        guard let address = settings.http.opsListen ?? (roles.contains(.portal) ? nil : settings.http.listen) else {
            return nil
        }
        return OpsService(
            host: address.host, port: address.port, isOptional: settings.http.opsListen == nil, store: store,
            context: context)
    }

    private func portal(descriptors: Int) -> PortalService {
        var portal = PortalSettings(host: settings.http.listen.host, port: settings.http.listen.port)
        portal.trustedProxies = settings.http.trustedProxies
        portal.servesOps = settings.http.opsListen == nil
        portal.limits.connections = Descriptors.shareOfHTTP(
            limit: descriptors, own: settings.ownDescriptors, wanted: settings.http.connections)
        context.logger.info(
            "HTTP takes \(portal.limits.connections) connections of the \(descriptors) files that the process may have open"
        )
        return PortalService(
            settings: portal, registries: registries, store: store, feeds: faces.feeds, alerts: faces.alerts,
            hub: faces.hub, renderers: faces.renderers, context: context)
    }

    private func intake() throws -> IntakeService {
        let intake = try IntakeSettings(settings.broker, settings.store)
        let judge = MessageJudge(
            registries: registries, requiresUser: intake.requiresUser, maximumBodySize: intake.maximumBodySize)
        return IntakeService(settings: intake, store: store, judge: judge, context: context)
    }
}
