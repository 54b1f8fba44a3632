package import Bulletins
import Storage

/// The deliveries of a bulletin in one region and in all regions within it.
package struct RegionCoverage: Sendable, Equatable {
    package let region: Region
    /// With the names of the regions above it.
    package let name: String
    /// Endpoints that got a delivery, whether or not it has arrived.
    package let endpoints: Int
    package let delivered: Int

    package var state: String { endpoints == 0 ? "nobody-subscribed" : delivered == 0 ? "not-reached" : "reached" }
}

/// The regions of one level, counted by how a bulletin fared in them.
package struct LevelCoverage: Sendable, Equatable {
    package let level: Region.Level
    package let regions: Int
    /// Regions in which at least one endpoint got a delivery.
    package let subscribed: Int
    /// Regions in which at least one delivery has arrived.
    package let reached: Int
}

extension BulletinOperations {
    /// One row for each region one level below those that the bulletin addresses.
    package func coverage(of id: BulletinID, in tree: RegionTree) async throws -> [RegionCoverage] {
        let (addressed, counts) = try await counts(of: id)
        let regions = addressed.flatMap { region in
            let children = tree.children(of: region)
            return children.isEmpty ? [region] : children
        }
        return regions.map { RegionCoverage($0, in: tree, counts) }
    }

    /// One row for each level, from the one below the highest region that is addressed down to the villages.
    package func levelCoverage(of id: BulletinID, in tree: RegionTree) async throws -> [LevelCoverage] {
        let (addressed, counts) = try await counts(of: id)
        let highest = addressed.map(\.level).min() ?? .country
        let levels = Region.Level.allCases.filter { $0 > highest || highest == .village && $0 == .village }
        // A region within another one that is addressed is counted with that one.
        let tops = Set(addressed.filter { region in !addressed.contains { $0 != region && $0.contains(region) } })
        return levels.map { LevelCoverage($0, below: tops, in: tree, counts) }
    }

    private func counts(of id: BulletinID) async throws -> (addressed: [Region], counts: [RegionCount]) {
        try principal.require(.readBulletins(of: id.publisher))
        let newest = try await revisions(of: id)[0]
        return (newest.regions.compactMap { Region($0) }, try await store.coverage(of: id))
    }
}

extension RegionCoverage {
    fileprivate init(_ region: Region, in tree: RegionTree, _ counts: [RegionCount]) {
        let within = counts.filter { region.contains($0.region) }
        let delivered = within.filter { $0.state == .delivered }
        self.init(
            region: region, name: tree.fullName(of: region), endpoints: within.reduce(0) { $0 + $1.deliveries },
            delivered: delivered.reduce(0) { $0 + $1.deliveries })
    }
}

extension LevelCoverage {
    fileprivate init(_ level: Region.Level, below tops: Set<Region>, in tree: RegionTree, _ counts: [RegionCount]) {
        func within(_ counts: [RegionCount]) -> Set<Region> {
            Set(
                counts.compactMap { count in
                    guard tops.contains(where: { $0.contains(count.region) }) else { return nil }
                    return count.region.path.first { $0.level == level }
                })
        }
        self.init(
            level: level, regions: tops.reduce(0) { $0 + tree.count(of: level, within: $1) },
            subscribed: within(counts).count, reached: within(counts.filter { $0.state == .delivered }).count)
    }
}
