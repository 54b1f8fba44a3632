import Feeds
import Hummingbird
import HummingbirdCore
import Logging
package import Runtime
import ServiceLifecycle
package import Storage

/// Serves health and metrics at an address of their own, whichever roles the worker has.
package struct OpsService: Service {
    private let host: String
    private let port: Int
    private let isOptional: Bool
    private let health: Health
    private let context: StageContext

    /// The maximum number of connections: enough for a supervisor, for Prometheus and for a person who looks.
    private static let mostConnections = 32

    /// With `isOptional`, the worker runs without this service if another process has the address.
    package init(
        host: String, port: Int, isOptional: Bool = false, store: any OperatorStore, context: StageContext
    ) {
        self.isOptional = isOptional
        self.host = host
        self.port = port
        health = Health(store: store, context: context)
        self.context = context
    }

    package func run() async throws {
        do {
            try await serve()
        } catch  where isOptional && !Task.isCancelled {
            context.logger.warning(
                "health and metrics are not served here: \(host):\(port) cannot be listened on; set http.opsListen",
                metadata: ["error": "\(error)"])
            try? await gracefulShutdown()
        }
    }

    private func serve() async throws {
        let router = Router(context: PortalContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ErrorPages(logger: context.logger))
        health.addRoutes(to: router)
        var limits = ConnectionLimits()
        limits.connections = Self.mostConnections
        let table = ConnectionTable(most: limits.connections)
        let application = Application(
            router: router,
            server: HTTPServerBuilder { [limits] responder in
                PortalChannel(responder: responder, limits: limits, table: table) { _ in nil }
            },
            configuration: .init(address: .hostname(host, port: port), serverName: FeedHeaders.server),
            logger: context.logger)
        try await application.runService(gracefulShutdownSignals: [])
    }
}
