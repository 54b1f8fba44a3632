import AMQP
package import Bulletins
import Fanout
import Glibc
import Intake
import Logging
import NIOPosix
import Portal
import Receipts
package import Runtime
import ServiceLifecycle
package import Storage
import UnixSignals

/// What a worker may do. Several workers may share the roles.
package enum Role: String, Sendable, CaseIterable {
    case intake, delivery, portal
}

/// The whole program: its stages as services of one group, in the order in which they start. They stop
/// in reverse: intake first, receipts late.
package struct Worker: Sendable {
    let settings: Settings
    let registries: Registries
    let store: any Store
    let context: StageContext
    let faces: Faces

    /// The store reports its troubles to the readiness of `context`, too.
    package init(settings: Settings, registries: Registries, store: any Store, context: StageContext) {
        self.settings = settings
        self.registries = registries
        self.store = store
        self.context = context
        faces = Faces(settings: settings, registries: registries, store: store, context: context)
    }

    /// Runs until SIGTERM or SIGINT, and ends no later than `stopLimit` after it.
    package func run(roles: Set<Role>) async throws {
        let end = HardEnd(limit: stopLimit, logger: context.logger)
        end.watch([SIGTERM, SIGINT])
        let services = try await services(roles, end)
        var configuration = ServiceGroupConfiguration(
            // A stage that fails stops the worker as SIGTERM does: what was sent is still recorded. Each has a
            // name, for otherwise the group makes one of all that the service holds, 83,000 villages included.
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

    /// The grace time of what is being sent, and five seconds for all else.
    private var stopLimit: Duration { settings.grace + .seconds(5) }

    private func services(_ roles: Set<Role>, _ end: HardEnd) async throws -> [(name: String, any Service)] {
        let group = MultiThreadedEventLoopGroup.singleton
        var services: [(name: String, any Service)] = []
        let limit = Descriptors.raiseLimit()
        if let ops = ops(roles) { services.append(("health and metrics", ops)) }
        services.append(("store", StoreCheck(store: store)))
        services.append(("clock", clockService))
        if roles.contains(.intake) { services.append(("receipts", try receipts())) }
        if roles.contains(.portal) { services.append(("portal", portal(descriptors: limit))) }
        if roles.contains(.delivery) { services += try await deliveries(group, end) }
        if roles.contains(.intake) {
            services.append(("fan-out", FanoutService(store: store, context: context)))
            services.append(("intake", try intake()))
        }
        return services
    }

    private var clockService: ClockService {
        ClockService(
            store: store, limits: ClockLimits([settings.mailRetry, settings.webhookRetry]), context: context)
    }

    private func receipts() throws -> ReceiptService {
        let broker = try settings.requireBroker()
        let exchanges = ReceiptExchanges(
            receipts: KentonganTopology.receiptsExchange, rejected: KentonganTopology.rejectedExchange)
        var declare: (@Sendable () async throws -> Void)?
        if settings.declaresTopology {
            declare = { [context] in
                try await KentonganTopology.topology.declare(on: broker, logger: context.logger)
            }
        }
        return ReceiptService(
            broker: broker, exchanges: exchanges, store: store, context: context, declareAgain: declare)
    }

    /// In every role: a supervisor asks each worker.
    private func ops(_ roles: Set<Role>) -> OpsService? {
        // Without the portal, its address is free for them.
        guard let address = settings.opsListen ?? (roles.contains(.portal) ? nil : settings.listen) else { return nil }
        return OpsService(
            host: address.host, port: address.port, isOptional: settings.opsListen == nil, store: store,
            context: context)
    }

    private func portal(descriptors: Int) -> PortalService {
        var portal = PortalSettings(host: settings.listen.host, port: settings.listen.port)
        portal.trustedProxies = settings.trustedProxies
        portal.servesOps = settings.opsListen == nil
        portal.limits.connections = Descriptors.shareOfHTTP(
            limit: descriptors, own: settings.ownDescriptors, wanted: settings.httpConnections)
        context.logger.info(
            "HTTP takes \(portal.limits.connections) connections of the \(descriptors) files that the process may have open"
        )
        return PortalService(
            settings: portal, registries: registries, store: store, feeds: faces.feeds, alerts: faces.alerts,
            hub: faces.hub, renderers: faces.renderers, context: context)
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
            settings: intake, store: store, judge: judge, context: context)
    }
}
