import DeliveryEngine

/// The feeds of endpoints, which the portal reads from the store.
struct FeedModule: ChannelModule {
    func parts(in assembly: ChannelAssembly) -> ChannelParts { ChannelParts(channel: FeedChannel()) }
}
