package import Bulletins

/// The number of a bulletin's deliveries in one state to one subscribed region.
package struct RegionCount: Sendable, Equatable {
    package let region: Region
    package let state: DeliveryState
    package let deliveries: Int

    package init(region: Region, state: DeliveryState, deliveries: Int) {
        self.region = region
        self.state = state
        self.deliveries = deliveries
    }
}

/// The number of endpoints that a bulletin reaches in one region by one channel.
package struct ReachCount: Sendable, Equatable {
    package let channel: String
    package let region: Region
    package let endpoints: Int

    package init(channel: String, region: Region, endpoints: Int) {
        self.channel = channel
        self.region = region
        self.endpoints = endpoints
    }
}

/// A subscription whose region was replaced.
package struct MovedSubscription: Sendable, Equatable {
    package let number: Int64
    package let address: String
    package let from: Region
    package let to: [Region]

    package init(number: Int64, address: String, from: Region, to: [Region]) {
        self.number = number
        self.address = address
        self.from = from
        self.to = to
    }
}
