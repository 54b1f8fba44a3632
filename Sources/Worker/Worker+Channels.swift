import Bulletins
import DeliveryEngine
import NIOPosix
import Runtime
import ServiceLifecycle
import Storage

/// Composes the channels of a worker's roles.
extension Worker {
    /// The modules of all channels.
    package static let channelModules: [any ChannelModule] = [
        HubModule(), EmailModule(), WebhookModule(), FeedModule(),
    ]

    /// The services of the channels, in the order of their start.
    ///
    /// Connections come first and stop last. The deliveries of all channels follow and stop together, so that several
    /// hanging receivers share one grace time. Listeners come last and stop first.
    func channelServices(_ roles: Set<Role>, _ end: HardEnd) async throws -> [(name: String, any Service)] {
        let modules = modules.filter { roles.contains($0.role) }
        guard !modules.isEmpty else { return [] }
        let storeID = try await store.identity()
        // A name of this worker alone, so that no other worker takes its leases for its own.
        let worker = "\(storeID).\(UInt64.random(in: 0 ... .max))"
        let assembly = ChannelAssembly(
            settings: settings, registries: registries, store: store, storeID: storeID, faces: faces,
            loops: .singleton, context: context)
        let parts = try modules.map { try $0.parts(in: assembly) }
        let deliveries = parts.flatMap { $0.companions + [delivery(of: $0, by: worker, end)] }
        let watched = deliveries.map { end.watching($0.name, $0.service) }
        return parts.flatMap(\.foundations) + [("deliveries", ServicesTogether(services: watched))]
            + parts.flatMap(\.listeners)
    }

    private func delivery(of parts: ChannelParts, by worker: String, _ end: HardEnd) -> ChannelParts.NamedService {
        var delivery = DeliverySettings()
        (delivery.lease, delivery.graceTime) = (settings.delivery.lease, settings.delivery.grace)
        (delivery.retry, delivery.hosts) = (parts.retry, parts.hosts)
        delivery.stopBegan = { end.began }
        let service = DeliveryService(
            channel: parts.channel, store: store, claims: parts.claims, settings: delivery, worker: worker,
            context: context)
        return ("delivery by \(parts.channel.channel.rawValue)", service)
    }
}
