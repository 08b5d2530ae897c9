// Electrons of 20 GeV through a slab of lead into a calorimeter.
//
//   calorimeter EVENTS [MODEL]
//
// Prints the energy in the scintillator for each event [MeV]. MODEL is the
// directory of a SavedModel, for example pretrained/cascade_ecal/saved_model,
// that simulates electrons; without it all is Geant4's.

#include <G4Electron.hh>
#include <G4EmStandardPhysics.hh>
#include <G4Event.hh>
#include <G4FastSimulationPhysics.hh>
#include <G4HCofThisEvent.hh>
#include <G4ParticleGun.hh>
#include <G4RunManager.hh>
#include <G4RunManagerFactory.hh>
#include <G4SDManager.hh>
#include <G4SystemOfUnits.hh>
#include <G4THitsMap.hh>
#include <G4ThreeVector.hh>
#include <G4UImanager.hh>
#include <G4UserEventAction.hh>
#include <G4VModularPhysicsList.hh>
#include <G4VUserActionInitialization.hh>
#include <G4VUserPrimaryGeneratorAction.hh>
#include <Randomize.hh>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fastsim_zoo/error.hpp>
#include <fastsim_zoo/simulator.hpp>
#include <memory>
#include <string>

#include "calorimeter.hpp"

namespace {

class Gun : public G4VUserPrimaryGeneratorAction {
 public:
  Gun() : gun_(G4Electron::Definition()) {
    gun_.SetParticleEnergy(20 * CLHEP::GeV);
    gun_.SetParticleMomentumDirection(G4ThreeVector(0, 0, 1));
  }

  void GeneratePrimaries(G4Event* event) override {
    // A square centimetre around a corner of four cells, which the model knows.
    const auto impact = [] { return (G4UniformRand() - 0.5) * CLHEP::cm; };
    const G4double x = impact();
    gun_.SetParticlePosition(G4ThreeVector(x, impact(), -300 * CLHEP::mm));
    gun_.GeneratePrimaryVertex(event);
  }

 private:
  G4ParticleGun gun_;
};

class Readout : public G4UserEventAction {
 public:
  void EndOfEventAction(const G4Event* event) override {
    if (collection_ < 0) {
      collection_ =
          G4SDManager::GetSDMpointer()->GetCollectionID("cells/energy");
    }
    const auto& cells = *static_cast<G4THitsMap<G4double>*>(
        event->GetHCofThisEvent()->GetHC(collection_));
    G4double energy = 0;
    for (const auto& cell : *cells.GetMap()) energy += *cell.second;
    std::printf("%d %.3f\n", event->GetEventID(), energy / CLHEP::MeV);
  }

 private:
  G4int collection_ = -1;
};

class Actions : public G4VUserActionInitialization {
 public:
  void Build() const override {
    SetUserAction(new Gun);
    SetUserAction(new Readout);
  }
};

void Run(int events, const std::string& model) {
  std::unique_ptr<fastsim_zoo::Simulator> simulator;
  // One thread of TensorFlow for each of Geant4's.
  if (!model.empty()) {
    simulator = std::make_unique<fastsim_zoo::Simulator>(
        model, fastsim_zoo::Options{1});
  }
  const std::unique_ptr<G4RunManager> manager(
      G4RunManagerFactory::CreateRunManager(G4RunManagerType::Default));
  auto* const physics = new G4VModularPhysicsList;
  physics->RegisterPhysics(new G4EmStandardPhysics);
  auto* const fast = new G4FastSimulationPhysics;
  fast->ActivateFastSimulation("e-");
  fast->ActivateFastSimulation("e+");
  physics->RegisterPhysics(fast);
  manager->SetUserInitialization(new Calorimeter(simulator.get(), model));
  manager->SetUserInitialization(physics);
  manager->SetUserInitialization(new Actions);
  manager->Initialize();
  G4UImanager::GetUIpointer()->ApplyCommand("/run/setCut 0.1 mm");
  manager->BeamOn(events);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int events = argc > 1 ? std::atoi(argv[1]) : 0;
    if (events < 1 || argc > 3) {
      throw fastsim_zoo::Error("usage: calorimeter EVENTS [MODEL]");
    }
    Run(events, argc > 2 ? argv[2] : "");
    return 0;
  } catch (const fastsim_zoo::Error& error) {
    std::fprintf(stderr, "calorimeter: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "calorimeter: %s\n", error.what());
    return 1;
  }
}
