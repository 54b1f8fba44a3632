import Bulletins
import Testing

struct RegionTests {
    @Test(arguments: ["ID", "73", "73.71", "73.71.01", "73.71.01.1001", "11.01.01.2001"])
    func codesRoundTrip(code: String) throws {
        let region = try #require(Region(code))
        #expect(region.code == code)
        #expect(Region(rawValue: region.rawValue) == region)
    }

    @Test(arguments: [
        "", "7", "733", "7371090", "73.1", "73.71.", ".73", "73.71.01.101", "73.71.01.1001.01", "id", "73 ", "73.00",
        "７３",
    ])
    func otherTextsAreNotCodes(text: String) { #expect(Region(text) == nil) }

    @Test func aRegionContainsItselfAndItsDescendantsOnly() throws {
        let city = try #require(Region("73.71"))
        let district = try #require(Region("73.71.01"))
        let neighbour = try #require(Region("73.72"))
        let province = try #require(Region("73"))
        #expect(city.contains(city) && city.contains(district) && !district.contains(city))
        #expect(!city.contains(neighbour) && province.contains(neighbour) && Region.country.contains(province))
        #expect(district.path.map(\.code) == ["ID", "73", "73.71", "73.71.01"])
        #expect(Region.country.parent == nil)
    }

    @Test func containmentAgreesWithParentsForEveryRegionOfAProvince() throws {
        let tree = try Fixtures.registries.get().regions
        var pending = [try #require(Region("73"))]
        var seen = 0
        while let region = pending.popLast() {
            for child in tree.children(of: region) {
                #expect(child.parent == region && region.contains(child) && region.isOnOnePath(with: child))
                if child.level != .village { pending.append(child) }
                seen += 1
            }
        }
        #expect(seen > 3000)
    }

    @Test func theTreeFindsAllRegions() throws {
        let tree = try Fixtures.registries.get().regions
        #expect(tree.count == 91_600)
        let makassar = try #require(Region("73.71"))
        #expect(tree.name(of: makassar) == "Kota Makassar")
        #expect(tree.search("kota makassar", limit: 5).contains(makassar))
        #expect(tree.search("sidomulyo", limit: 1000).count >= 98)
        #expect(tree.children(of: .country).count == 38)
        #expect(tree.name(of: try #require(Region("97"))) == nil)
    }

    @Test func namesWithCommasAreRead() throws {
        let tree = try Fixtures.registries.get().regions
        #expect(tree.name(of: try #require(Region("14.02.09.2010"))) == "Lambang Sari I, II, III")
    }

    @Test func zonesAndSuccessorsAreKnown() throws {
        let registries = try Fixtures.registries.get()
        #expect(registries.timeZones.zone(of: try #require(Region("93.01"))) == .wit)
        #expect(registries.timeZones.zone(of: .country) == .wib)
        #expect(registries.successors.successors(of: try #require(Region("92.71"))).map(\.code) == ["96.71"])
    }

    @Test func errorsNameTheLine() {
        #expect(throws: RegistryError.badRow(file: "f", line: 3, problem: "the parent of 12.01 is missing")) {
            _ = try RegionTree(csv: Array("code,name,level\n11,Aceh,1\n12.01,X,2\n".utf8), file: "f")
        }
    }
}
