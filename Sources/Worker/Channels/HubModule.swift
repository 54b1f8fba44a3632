import Storage
import DeliveryEngine
import Runtime
import WebSub

/// The feeds that the hub pushes, with the verification of callbacks that precedes a push.
struct HubModule: ChannelModule {
    let role = Role.hub

    func parts(in assembly: ChannelAssembly) throws -> ChannelParts {
        let (settings, context) = (assembly.settings.webhooks, assembly.context)
        let client = try settings.client(on: assembly.loops, logger: context.logger)
        let feeds = assembly.faces.feeds
        var parts = ChannelParts(
            channel: HubChannel(
                store: assembly.store, feeds: feeds, client: client, concurrency: settings.concurrency))
        parts.claims = assembly.store.pushes
        (parts.retry, parts.hosts) = (settings.retry, settings.hosts)
        parts.companions = [
            (
                "hub",
                HubVerifier(
                    store: assembly.store, feeds: feeds, settings: HubSettings(assembly.settings.http),
                    client: client, schedule: settings.retry, context: context)
            )
        ]
        return parts
    }
}
