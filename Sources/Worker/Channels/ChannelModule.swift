package import Bulletins
package import DeliveryEngine
import NIOCore
package import Runtime
package import ServiceLifecycle
package import Storage
package import NIOPosix

/// A channel as the worker composes it: the one file that connects a channel's target with the settings and the store.
///
/// A new channel needs a constant in `Bulletins/Channel.swift` with its traits, a target that implements
/// `DeliveryChannel`, and a module in `Worker/Channels` that is listed in `Worker.channelModules`. Routing, claims,
/// retries, leases, listings and metrics follow from these.
package protocol ChannelModule: Sendable {
    /// The role in which a worker runs the channel.
    var role: Role { get }

    /// Builds the channel and everything that runs with it. The worker starts a module once.
    func parts(in assembly: ChannelAssembly) throws -> ChannelParts
}

extension ChannelModule {
    package var role: Role { .delivery }
}

/// The parts of the worker that a module may use.
package struct ChannelAssembly: Sendable {
    package let settings: Settings
    package let registries: Registries
    package let store: any Store
    /// The name of the store, which makes identifiers unique across stores.
    package let storeID: String
    let faces: Faces
    package let loops: MultiThreadedEventLoopGroup
    package let context: StageContext
}

/// A channel with the services that run beside it.
package struct ChannelParts: Sendable {
    package typealias NamedService = (name: String, service: any Service)

    package let channel: any DeliveryChannel
    /// Where deliveries are claimed, if that is not the worker's store itself.
    package var claims: (any ClaimStore)?
    package var retry = RetrySchedule()
    package var hosts = HostLimits()
    /// Services that stop together with the deliveries.
    package var companions: [NamedService] = []
    /// Services that start before the deliveries and stop after them, such as connections.
    package var foundations: [NamedService] = []
    /// Services that stop before the deliveries, such as listeners.
    package var listeners: [NamedService] = []

    package init(channel: any DeliveryChannel) { self.channel = channel }
}
