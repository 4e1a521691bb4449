// One identity for one environment, and whom it trusts: GitHub's job of that environment, and nobody else.
// Deploy once for each environment, into the resource group of that environment.
targetScope = 'resourceGroup'

@description('The environment in lockgate.yml and in the repository settings; or "build" for the identity that builds')
param environmentName string

@description('OWNER/REPOSITORY, or for newer repositories OWNER@<id>/REPOSITORY@<id>: as `lockgate` prints it on a mismatch')
param repository string

@description('What the job is: environment:production for one that deploys, ref:refs/heads/main for the one that builds')
param jobContext string = 'environment:${environmentName}'

param location string = resourceGroup().location

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'lockgate-${environmentName}'
  location: location
}

resource trust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {
  parent: identity
  name: 'github-${environmentName}'
  properties: {
    issuer: 'https://token.actions.githubusercontent.com'
    subject: 'repo:${repository}:${jobContext}'
    audiences: [ 'api://AzureADTokenExchange' ]
  }
}

output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
