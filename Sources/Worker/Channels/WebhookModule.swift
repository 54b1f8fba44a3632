import DeliveryEngine
import Runtime
import Webhooks

/// Webhooks as Standard Webhooks specifies them.
struct WebhookModule: ChannelModule {
    func parts(in assembly: ChannelAssembly) throws -> ChannelParts {
        let settings = assembly.settings.webhooks
        let client = try settings.client(on: assembly.loops, logger: assembly.context.logger)
        var parts = ChannelParts(
            channel: WebhookChannel(
                client: client, keys: assembly.store, storeID: assembly.storeID,
                publicURL: assembly.settings.http.publicURL, concurrency: settings.concurrency))
        (parts.retry, parts.hosts) = (settings.retry, settings.hosts)
        return parts
    }
}
