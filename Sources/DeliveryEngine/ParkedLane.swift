/// A delivery that waits at the gate.
struct Parked<Item: Sendable>: Sendable {
    let item: Item
    let endpoint: Int64
    /// Whether its endpoint had no room, and not its host.
    var isForEndpoint = false
}

/// Parked deliveries in the order in which they came. The first is taken in constant time, and one behind it by a search
/// that has an end.
struct ParkedLane<Item: Sendable>: Sendable {
    /// Places that were taken out of the middle are nil until the lane's beginning passes them.
    private var places: [Parked<Item>?] = []
    private var first = 0
    private(set) var count = 0

    /// The number of places that one search looks at. Behind so many that wait for a busy endpoint, others wait, too.
    private static var reach: Int { 256 }

    mutating func append(_ parked: Parked<Item>) {
        places.append(parked)
        count += 1
    }

    /// Takes the first delivery whose endpoint passes.
    mutating func take(where passes: (Int64) -> Bool) -> Parked<Item>? {
        for index in first..<min(places.count, first + Self.reach) {
            guard let parked = places[index], passes(parked.endpoint) else { continue }
            places[index] = nil
            count -= 1
            skipEmptyPlaces()
            return parked
        }
        return nil
    }

    mutating func takeAll() -> [Parked<Item>] {
        defer { self = ParkedLane() }
        return places[first...].compactMap(\.self)
    }

    private mutating func skipEmptyPlaces() {
        while first < places.count, places[first] == nil { first += 1 }
        if first == places.count {
            places.removeAll(keepingCapacity: true)
            first = 0
        } else if first >= 512, first >= places.count / 2 {
            places.removeFirst(first)
            first = 0
        }
    }
}
