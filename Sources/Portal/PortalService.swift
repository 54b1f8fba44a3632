// The portal: feeds, pages, the hub, health.
//
// Reads:      bulletins that were routed. An answer shows the store's current state, or that of a moment ago.
// Writes:     the end of a subscription, when its subscriber asks for it; the times at which private feeds were fetched;
//             requests to the hub.
// On failure: of the store, 503; the health page names the part of the worker that does not work.

package import Bulletins
package import Feeds
import Hummingbird
import HummingbirdCore
import Logging
import Observability
package import Runtime
import ServiceLifecycle
package import Storage
package import WebSub

/// Serves the portal over HTTP.
package struct PortalService: Service {
    private let settings: PortalSettings
    private let feeds: FeedResponder
    private let alerts: AlertDocuments
    private let fetches: FetchLog
    private let dates: DateHeader
    private let pages: Pages
    private let hub: HubResponder
    private let health: Health
    private let context: StageContext

    package init(
        settings: PortalSettings, registries: Registries, store: any (FeedStore & SubscriberStore & OperatorStore),
        feeds: FeedResponder, alerts: AlertDocuments, hub: HubResponder, renderers: RenderPool, context: StageContext
    ) {
        self.settings = settings
        self.feeds = feeds
        self.alerts = alerts
        self.hub = hub
        self.context = context
        fetches = FetchLog(store: store, context: context)
        dates = DateHeader(clock: context.clock)
        pages = Pages(store: store, registries: registries, clock: context.clock, renderers: renderers)
        health = Health(store: store, context: context)
    }

    package func run() async throws {
        let (feeds, dates, limits) = (feeds, dates, settings.limits)
        let metrics = FeedMetrics(context.metrics)
        let table = ConnectionTable(most: limits.connections)
        let application = Application(
            router: router,
            server: HTTPServerBuilder { responder in
                PortalChannel(responder: responder, limits: limits, table: table) { connection in
                    FeedFront(feeds: feeds, dates: dates, metrics: metrics, connection: connection)
                }
            },
            configuration: .init(
                address: .hostname(settings.host, port: settings.port), serverName: FeedHeaders.server),
            services: [fetches], logger: context.logger)
        try await application.runService(gracefulShutdownSignals: [])
    }

    private var router: Router<PortalContext> {
        let router = Router(context: PortalContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ErrorPages(logger: context.logger))
        FeedRoutes(feeds: feeds, alerts: alerts, fetches: fetches, metrics: FeedMetrics(context.metrics)).add(
            to: router)
        HubRoute(hub: hub, trustedProxies: settings.trustedProxies).add(to: router)
        router.get("/bulletins/:publisher/:id") { _, context in try await pages.bulletin(context) }
        router.get("/unsubscribe/:token") { _, context in try await pages.askToUnsubscribe(context) }
        router.post("/unsubscribe/:token") { request, context in try await pages.unsubscribe(request, context) }
        router.get("/style.css") { _, _ in pages.style }
        if settings.servesOps { health.addRoutes(to: router) }
        return router
    }
}
