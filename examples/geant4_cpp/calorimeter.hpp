// The calorimeter that the pretrained cascade_ecal knows, as in
// data/simulation/geant4/ecal_stack.py: 66 layers of 2 mm lead and 4 mm
// polystyrene, 60 cm wide, with cells of 2 cm that sum over the layers.
#ifndef FASTSIM_ZOO_EXAMPLES_CALORIMETER_HPP_
#define FASTSIM_ZOO_EXAMPLES_CALORIMETER_HPP_

#include <G4Box.hh>
#include <G4LogicalVolume.hh>
#include <G4MultiFunctionalDetector.hh>
#include <G4NistManager.hh>
#include <G4PSEnergyDeposit3D.hh>
#include <G4PVPlacement.hh>
#include <G4PVReplica.hh>
#include <G4Region.hh>
#include <G4SDManager.hh>
#include <G4String.hh>
#include <G4SystemOfUnits.hh>
#include <G4ThreeVector.hh>
#include <G4Types.hh>
#include <G4VPhysicalVolume.hh>
#include <G4VUserDetectorConstruction.hh>
#include <fastsim_zoo/description.hpp>
#include <fastsim_zoo/simulator.hpp>
#include <string>
#include <utility>

#include "zoo_model.hpp"

class Calorimeter : public G4VUserDetectorConstruction {
 public:
  static constexpr G4int kCells = 30, kLayers = 66;
  static constexpr G4double kCell = 20 * CLHEP::mm;
  static constexpr G4double kLead = 2 * CLHEP::mm, kSheet = 4 * CLHEP::mm;
  static constexpr G4double kLayer = kLead + kSheet;
  static constexpr G4double kWidth = kCells * kCell;
  static constexpr G4double kDepth = kLayers * kLayer;

  // Without a model all is Geant4's.
  Calorimeter(const fastsim_zoo::Simulator* simulator, std::string model)
      : simulator_(simulator), model_(std::move(model)) {}

  G4VPhysicalVolume* Construct() override {
    auto* const world = Box("world", 2 * CLHEP::m, 2 * CLHEP::m, 2 * CLHEP::m,
                            "G4_Galactic");
    auto* const stack = Box("stack", kWidth, kWidth, kDepth, "G4_Galactic");
    auto* const layer = Box("layer", kWidth, kWidth, kLayer, "G4_Galactic");
    auto* const lead = Box("lead", kWidth, kWidth, kLead, "G4_Pb");
    auto* const sheet = Box("sheet", kWidth, kWidth, kSheet, "G4_POLYSTYRENE");
    auto* const row = Box("row", kCell, kWidth, kSheet, "G4_POLYSTYRENE");
    tile_ = Box("tile", kCell, kCell, kSheet, "G4_POLYSTYRENE");
    // Material before the calorimeter, 0.3 radiation lengths of lead.
    auto* const slab = Box("slab", kWidth, kWidth, 1.7 * CLHEP::mm, "G4_Pb");
    Place(slab, world, -200 * CLHEP::mm);
    // The front face is at z = 0.
    Place(stack, world, 0.5 * kDepth);
    new G4PVReplica("layer", layer, stack, kZAxis, kLayers, kLayer);
    Place(lead, layer, -0.5 * kSheet);
    Place(sheet, layer, 0.5 * kLead);
    new G4PVReplica("row", row, sheet, kXAxis, kCells, kCell);
    new G4PVReplica("tile", tile_, row, kYAxis, kCells, kCell);
    region_ = new G4Region("calorimeter");
    region_->AddRootLogicalVolume(stack);
    return new G4PVPlacement(nullptr, G4ThreeVector(), world, "world", nullptr,
                             false, 0);
  }

  // Called in every thread.
  void ConstructSDandField() override {
    auto* const cells = new G4MultiFunctionalDetector("cells");
    // x, y, and the single sheet of a layer.
    cells->RegisterPrimitive(
        new G4PSEnergyDeposit3D("energy", kCells, kCells, 1, 1, 0, 2));
    G4SDManager::GetSDMpointer()->AddNewDetector(cells);
    SetSensitiveDetector(tile_, cells);
    if (simulator_ == nullptr) return;
    ZooModelOptions options;
    options.front_z = -0.5 * kDepth;
    // The middle of the first sheet.
    options.hit_depth = kLead + 0.5 * kSheet;
    // It registers itself with the region, and lives as long as the thread.
    new ZooModel<fastsim_zoo::Simulator>("zoo", region_, *simulator_,
                                         fastsim_zoo::ReadDescription(model_),
                                         options);
  }

 private:
  static G4LogicalVolume* Box(const G4String& name, G4double x, G4double y,
                              G4double z, const G4String& material) {
    return new G4LogicalVolume(
        new G4Box(name, 0.5 * x, 0.5 * y, 0.5 * z),
        G4NistManager::Instance()->FindOrBuildMaterial(material), name);
  }

  static void Place(G4LogicalVolume* part, G4LogicalVolume* mother,
                    G4double z) {
    new G4PVPlacement(nullptr, G4ThreeVector(0, 0, z), part, part->GetName(),
                      mother, false, 0);
  }

  const fastsim_zoo::Simulator* simulator_;
  std::string model_;
  G4LogicalVolume* tile_ = nullptr;
  G4Region* region_ = nullptr;
};

#endif  // FASTSIM_ZOO_EXAMPLES_CALORIMETER_HPP_
